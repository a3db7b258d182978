'use strict'

// The table of runtimes/table.mjs: nothing in it is claimed without a test, and node/README.md says the same.

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')

test('the README holds the table of the runtimes as `node test/runtimes.mjs --table` prints it', async () => {
  const { markdown } = await import('./runtimes/markdown.mjs')
  const readme = readFileSync(join(__dirname, '../README.md'), 'utf8')
  assert.ok(readme.includes(markdown()), 'put what `node node/test/runtimes.mjs --table` prints into node/README.md')
})

test('whatever a runtime cannot do is a feature, and has a test that it says so', async () => {
  const { features, runtimes } = await import('./runtimes/table.mjs')
  const names = features.map(({ name }) => name)
  const missing = runtimes.flatMap(({ name, cannot = {}, says }) =>
    Object.keys(cannot).map((feature) => ({ name, feature, says })))
  assert.ok(missing.length > 0)
  for (const { name, feature, says } of missing) {
    assert.ok(names.includes(feature), `${name}: ${feature}`)
    const text = readFileSync(join(__dirname, 'runtimes/cannot', says), 'utf8')
    const shown = feature === 'diagnose' ? /^(if .*)?diagnosesNothing\(/m : new RegExp(`^test\\('${feature}: `, 'm')
    assert.match(text, shown, `${says} has no test of ${feature} for ${name}`)
  }
})

test('each transport of each runtime is run, or it says that it cannot', async () => {
  const { runtimes, suites } = await import('./runtimes/table.mjs')
  for (const { name, runs, cannot = {} } of runtimes) {
    for (const one of runs) assert.ok(one in suites || one === 'modules', `${name}: ${one}`)
    for (const transport of ['descriptor', 'addon']) {
      assert.notEqual(runs.includes(transport), transport in cannot, `${name}: ${transport}`)
    }
  }
})
