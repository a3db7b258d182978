// sd-notify's own suite, as it was published, against ours: the suite stays as it is, and where it expects its package
// there is a package of one line, the one that stands in for sd-notify where a dependency requires it.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { installed, mocha } from './original.mjs'

const { environment, receiver } = createRequire(import.meta.url)('../support/service.js')
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))

/** A folder with the published suite, and in the place of the package what stands in for it. */
function suite(t) {
  const folder = mkdtempSync(join(tmpdir(), 'aye-published-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'test'))
  copyFileSync(join(installed(), 'test/test.js'), join(folder, 'test/test.js'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(PACKAGE, join(folder, 'node_modules/aye'))
  writeFileSync(join(folder, 'index.js'), 'module.exports = require(\'aye/sd-notify\')\n')
  return folder
}

function run(folder, env) {
  const options = { cwd: folder, env: environment(env), encoding: 'utf8' }
  return spawnSync(process.execPath, [mocha, '--reporter', 'json'], options)
}

test('passes where there is no service manager', (t) => {
  const { stdout, stderr, status } = run(suite(t), {})
  const { stats } = JSON.parse(stdout)
  assert.deepEqual([stats.tests, stats.passes, stats.failures, status, stderr], [1, 1, 0, 0, ''])
})

test('passes where there is one, which is told of it', async (t) => {
  const { socket, next } = await receiver(t)
  const { stdout, stderr, status } = run(suite(t), { NOTIFY_SOCKET: socket })
  const { stats } = JSON.parse(stdout)
  assert.deepEqual([stats.tests, stats.passes, stats.failures, status, stderr], [1, 1, 0, 0, ''])
  assert.equal((await next()).text, 'READY=1')
})

test('fails of a package that does not do what it asserts', (t) => {
  const folder = suite(t)
  writeFileSync(join(folder, 'index.js'), 'module.exports = require(\'aye\')\n')
  const { stdout, status } = run(folder, {})
  assert.deepEqual([JSON.parse(stdout).stats.failures, status], [1, 1])
})
