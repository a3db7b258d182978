// What each runtime can do as a table in Markdown, from the same data as the tests: node/README.md holds it.

import { features, runtimes } from './table.mjs'

export function markdown() {
  const rows = [['', ...features.map(({ title }) => title)], Array(features.length + 1).fill('---')]
  for (const { title, cannot } of runtimes) {
    const cells = features.map(({ name }) => (cannot?.[name] ? `no: ${cannot[name]}` : 'yes'))
    rows.push([title, ...cells])
  }
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
