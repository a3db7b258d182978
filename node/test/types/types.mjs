// Compiles the files beside it against the package as a program would see it, in node_modules: `node
// node/test/types/types.mjs`. TypeScript comes into the cache of runtimes.mjs.

import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = dirname(fileURLToPath(import.meta.url))
const CACHE = process.env.AYE_CACHE ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'aye')
const HOME = join(CACHE, 'runtimes/typescript')
const COMPILER = join(HOME, 'node_modules/typescript/bin/tsc')
const FILES = ['use.mts', 'use.cts', 'use-sd-notify.mts', 'use-sd-notify.cts']

function call(command, args) {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  return status === 0
}

if (!existsSync(COMPILER)) {
  mkdirSync(HOME, { recursive: true })
  call('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--silent', '--prefix', HOME, 'typescript@5'])
}

const directory = mkdtempSync(join(tmpdir(), 'aye-types-'))
mkdirSync(join(directory, 'node_modules'))
symlinkSync(join(HERE, '../..'), join(directory, 'node_modules/aye'))
const files = FILES.map((name) => join(directory, name))
FILES.forEach((name, at) => copyFileSync(join(HERE, name), files[at]))
const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--preserveSymlinks']
const compiled = call(process.execPath, [COMPILER, ...options, ...files])
rmSync(directory, { recursive: true })
console.log(compiled ? 'types: compiled' : 'types: do not compile')
process.exitCode = compiled ? 0 : 1
