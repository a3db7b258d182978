'use strict'

// The package as it is published: both ways to load it give the same thing, the types name what there is, and installing
// it runs nothing.

const assert = require('node:assert/strict')
const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')

const root = join(__dirname, '..')
const manifest = require('../package.json')
const names = ['barrier', 'booted', 'errno', 'extendTimeout', 'extendTimeoutWhile', 'listenFds', 'mainPid', 'notify', 'ready',
  'reloading', 'removeFd', 'status', 'stopping', 'storeFd', 'transport', 'watchdog']

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

test('declares a type for each export and for nothing else', () => {
  const declared = readFileSync(join(root, 'index.d.ts'), 'utf8').matchAll(/^export declare (?:function|const) (\w+)/gm)
  assert.deepEqual([...declared].map(([, name]) => name).sort(), names)
})

test('holds every file that its manifest names', () => {
  const exported = Object.values(manifest.exports['.']).flatMap((condition) => Object.values(condition))
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
