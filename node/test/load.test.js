'use strict'

// Why an addon is not there: each reason in words that say what to do, from the errors that runtimes were seen to
// throw.

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, cpSync, writeFileSync, mkdirSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')

const { load } = require('../lib/addon.js')

/** A dlopen that throws. */
const throwing = (error) => () => { throw error }
const named = (name, message) => Object.assign(new Error(message), { name })

test('knows no addon off Linux, and does not try to load one', () => {
  const { native, problem } = load('darwin', 'arm64', () => assert.fail('tried'))
  assert.deepEqual([native, problem], [null, 'the addon is for Linux, this is darwin'])
})

test('names the CPU that there is no file for', () => {
  const { native, problem } = load('linux', 'mips')
  assert.equal(native, null)
  assert.match(problem, /^there is no addon for Linux on mips at .*prebuilds\/linux-mips\.node \(a bundler must leave /)
})

test('says what a file that is no addon is refused for', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'aye-load-'))
  t.after(() => rmSync(root, { recursive: true }))
  cpSync(join(__dirname, '../lib'), join(root, 'lib'), { recursive: true })
  mkdirSync(join(root, 'prebuilds'))
  writeFileSync(join(root, 'prebuilds/linux-x64.node'), 'no ELF file')
  const { native, problem } = require(join(root, 'lib/addon.js')).load('linux', 'x64')
  assert.equal(native, null)
  assert.match(problem, /^loading the addon failed: .*(invalid ELF header|file too short|Exec format error)/)
})

const disabled = Object.assign(new Error('disabled'), { code: 'ERR_DLOPEN_DISABLED' })

for (const [what, error, problem] of [
  ['Node was told to load none', disabled, /^--no-addons keeps/],
  ['Deno does not permit it', named('NotCapable', 'no ffi'), /^Deno keeps .* \(start it with --allow-ffi=.*linux-x64\.node\)$/],
  ['an older Deno does not permit it', named('PermissionDenied', 'no ffi'), /^Deno keeps /],
]) {
  test(`says what to allow when ${what}`, () => {
    const found = load('linux', 'x64', throwing(error))
    assert.equal(found.native, null)
    assert.match(found.problem, problem)
  })
}

test('loads the file of this CPU', () => {
  const { native, problem } = load()
  assert.equal(problem, null)
  const names = ['open', 'adopt', 'send', 'sendWithFds', 'barrier']
  for (const name of names) assert.equal(typeof native[name], 'function', name)
})
