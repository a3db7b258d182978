// What each runtime can do as a table in Markdown, from the same data as the tests: node/README.md holds it.

import { features, runtimes } from './table.mjs'

export function markdown() {
  const head = [['', ...features.map(({ title }) => title)], Array(features.length + 1).fill('---')]
  const rows = runtimes.map(({ title, cannot = {}, notes = {} }) =>
    [title, ...features.map(({ name }) => cell(cannot[name], notes[name]))])
  return [...head, ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

function cell(why, note) {
  return why ? `no: ${why}` : note ?? 'yes'
}
