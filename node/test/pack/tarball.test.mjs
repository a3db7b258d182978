// What is in the tarball that npm publishes, and what is not.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'

import { PACKAGE, pack, prebuilds } from './project.mjs'

const LONGEST = 120_000
// Node's names of the CPUs, see process.arch.
const PREBUILD = /^linux-(arm|arm64|ppc64|riscv64|s390x|x64)\.node$/

const directory = mkdtempSync(join(tmpdir(), 'aye-tarball-'))
// Also when there is nothing to pack, which ends this file before its tests.
process.on('exit', () => rmSync(directory, { recursive: true }))
const tarball = pack(directory)
const manifest = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))

/** The files of an entry of `files`, as paths in the package. */
function expand(entry) {
  const path = join(PACKAGE, entry)
  if (!statSync(path).isDirectory()) return [entry]
  return readdirSync(path).flatMap((name) => expand(join(entry, name)))
}

/** The files of its own that a file requires or imports, as paths in the package. */
function requires(path) {
  const code = readFileSync(join(PACKAGE, path), 'utf8')
  return [...code.matchAll(/(?:require\(|from |import )'(\.[^']+)'/g)].map(([, target]) => join(path, '..', target))
}

test('carries what its manifest lists and nothing else', () => {
  assert.deepEqual(tarball.files, ['package.json', ...manifest.files.flatMap(expand)].sort())
  assert.deepEqual(tarball.files.filter((path) => /(^|\/)(test|addon|node_modules)\//.test(path)), [])
})

test('carries every file that it exports or requires', () => {
  const exported = Object.values(manifest.exports).flatMap((entry) => JSON.stringify(entry).match(/(?<=")\.\/[^"]+/g))
  const required = tarball.files.filter((path) => /\.m?js$/.test(path)).flatMap(requires)
  const missing = [...exported.map((path) => join(path)), ...required].filter((path) => !tarball.files.includes(path))
  assert.deepEqual(missing, [])
})

test('carries every addon that was built, each under the name of a CPU', () => {
  const carried = tarball.files.filter((path) => dirname(path) === 'prebuilds').map((path) => basename(path))
  assert.deepEqual(carried, prebuilds())
  assert.deepEqual(carried.filter((name) => !PREBUILD.test(name)), [])
})

test(`weighs at most ${LONGEST / 1000} KB`, (t) => {
  assert.equal(statSync(tarball.path).size, tarball.size)
  t.diagnostic(`${tarball.size} bytes, ${tarball.files.length} files`)
  assert.ok(tarball.size <= LONGEST, `${tarball.size} bytes`)
})

test('has nothing to run at its install and nothing to install beside it', () => {
  const kinds = ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies']
  for (const key of [...kinds, 'scripts', 'bin', 'gypfile']) {
    assert.equal(manifest[key], undefined, key)
  }
  // npm would build a binding.gyp without being told to.
  assert.equal(tarball.files.includes('binding.gyp'), false)
})
