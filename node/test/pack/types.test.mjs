// The types as a program sees them that installed the tarball: exact ones by tsd, both faces by the compiler, and what
// the linters for published packages say.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'

import { tool } from './cache.mjs'
import { NODE, PACKAGE, pack, project } from './project.mjs'

const TYPES = join(PACKAGE, 'test/types')

const directory = mkdtempSync(join(tmpdir(), 'aye-types-'))
// Also when there is nothing to pack, which ends this file before its tests.
process.on('exit', () => rmSync(directory, { recursive: true }))
const tarball = pack(directory).path
const user = project()
after(user.remove)
const { status, stderr } = await user.install([tarball], { offline: true })
assert.equal(status, 0, stderr)

/** Puts the files of that kind beside the installed package. */
function bring(kind) {
  const names = readdirSync(TYPES).filter((name) => kind.test(name))
  assert.notEqual(names.length, 0)
  for (const name of names) copyFileSync(join(TYPES, name), join(user.app, name))
  return names
}

function run(name, args) {
  const { status, stdout, stderr } = spawnSync(NODE.program, [tool(name), ...args], { cwd: user.app, encoding: 'utf8' })
  return { status, said: stdout + stderr }
}

test('says exactly what each function takes and gives, by tsd', () => {
  bring(/\.test-d\.ts$/)
  // tsd looks at a package's own types; here they are a user's, who has none.
  writeFileSync(join(user.app, 'index.d.ts'), 'export {}\n')
  writeFileSync(join(user.app, 'package.json'), JSON.stringify({ name: 'user', types: 'index.d.ts' }))
  symlinkSync(join(dirname(tool('tsd')), '..'), join(user.app, 'node_modules/tsd'))
  assert.deepEqual(run('tsd', []), { status: 0, said: '' })
})

for (const face of ['index', 'sd-notify']) {
  test(`has a place in the tests for each name of ${face}.d.ts`, () => {
    const read = (...path) => readFileSync(join(PACKAGE, ...path), 'utf8')
    const tested = read('test/types', `${face}.test-d.ts`)
    const exported = /^export (?:declare )?(?:function|const|type|interface) (\w+)/gm
    const names = [...read(`${face}.d.ts`).matchAll(exported)].map(([, name]) => name)
    assert.deepEqual(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(tested)), [])
    assert.ok(names.length > 10)
  })
}

test('has the same types for import and for require', () => {
  const names = bring(/\.[cm]ts$/)
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext']
  assert.deepEqual(run('typescript', [...options, ...names]), { status: 0, said: '' })
})

test('leaves publint nothing to say', () => {
  const { status, said } = run('publint', ['run', tarball, '--strict'])
  assert.equal(status, 0, said)
  assert.match(said, /All good!/)
})

test('leaves are-the-types-wrong nothing to say', () => {
  const { status, said } = run('attw', [tarball, '--no-emoji'])
  assert.equal(status, 0, said)
  assert.match(said, /No problems found/)
})
