'use strict'

// The package as it is published: both ways to load it give the same thing, the types name what there is, and
// installing it runs nothing.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')

const { environment } = require('./support/service.js')

const root = join(__dirname, '..')
const manifest = require('../package.json')
const names = ['barrier', 'booted', 'errno', 'extendTimeout', 'extendTimeoutWhile', 'listenFds', 'mainPid', 'notify',
  'ready', 'reloading', 'removeFd', 'status', 'stopping', 'storeFd', 'transport', 'watchdog']

/** Runs code in a process that has the package's folder as its argument. */
function run(code, env) {
  return spawnSync(process.execPath, ['-e', code, root], { env: environment(env), encoding: 'utf8' })
}

test('has no dependency and no script that an install would run', () => {
  for (const key of ['scripts', 'dependencies', 'optionalDependencies', 'peerDependencies', 'bin', 'gypfile']) {
    assert.equal(manifest[key], undefined, key)
  }
})

test('exports the same functions to require and to import', async () => {
  const required = require('..')
  const imported = await import('../index.mjs')
  assert.deepEqual(Object.keys(required).sort(), names)
  assert.deepEqual(Object.keys(imported).sort(), ['default', ...names].sort())
  for (const name of names) assert.equal(imported[name], required[name], name)
  assert.equal(imported.default, required)
})

test('loads nothing but its face where there is no service manager', () => {
  const code = 'require(process.argv[1]); process.stdout.write(Object.keys(require.cache).join())'
  assert.equal(run(code, {}).stdout, join(root, 'index.js'))
  assert.match(run(code, { NOTIFY_SOCKET: '@nobody' }).stdout, /environment\.js.*addon\.js/)
})

test('takes an environment that it may not read for one that says nothing, as Deno has it', () => {
  const code = `
    Object.defineProperty(process, 'env', { value: new Proxy({}, { get() { throw new Error('NotCapable') } }) })
    const aye = require(process.argv[1])
    process.stdout.write(JSON.stringify([aye.transport, aye.ready(), aye.reloading(), aye.watchdog.start()]))`
  const { stdout, stderr } = run(code, { NOTIFY_SOCKET: '@nobody' })
  assert.deepEqual([stdout, stderr], ['[null,false,false,false]', ''])
})

test('reads each variable of the environment that it lets decide anything, and no other', () => {
  const { VARIABLES, read } = require('../lib/environment.js')
  const asked = new Set()
  const env = new Proxy({ LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'a', WATCHDOG_USEC: '1' }, {
    get: (target, name) => (asked.add(name), target[name]),
  })
  const { remedy, notMain } = read(env, 1, () => true)
  remedy()
  notMain()
  assert.deepEqual([...asked].sort(), [...VARIABLES].sort())
})

test('declares a type for each export and for nothing else', () => {
  const declared = readFileSync(join(root, 'index.d.ts'), 'utf8').matchAll(/^export declare (?:function|const) (\w+)/gm)
  assert.deepEqual([...declared].map(([, name]) => name).sort(), names)
})

test('holds every file that its manifest names', () => {
  const exported = Object.values(manifest.exports['.']).flatMap((condition) => Object.values(condition))
  assert.ok(manifest.files.includes('prebuilds/'))
  assert.equal(manifest.exports['./package.json'], './package.json')
  for (const path of [manifest.main, manifest.types, ...exported, ...manifest.files]) {
    assert.ok(existsSync(join(root, path)), path)
  }
})

test('carries the licences of the repository', () => {
  for (const name of ['LICENSE-MIT', 'LICENSE-APACHE']) {
    assert.equal(readFileSync(join(root, name), 'utf8'), readFileSync(join(root, '..', name), 'utf8'), name)
  }
})

test('has the version of the workspace', () => {
  const cargo = readFileSync(join(root, '../Cargo.toml'), 'utf8')
  assert.equal(manifest.version, cargo.match(/\[workspace\.package\][^[]*?^version = "([^"]+)"/m)[1])
})
