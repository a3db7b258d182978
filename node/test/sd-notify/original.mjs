// The npm package sd-notify 2.8.0 as it is published, in the cache outside the repository: its own suite comes from it,
// and what it does is what ours is held against. Its addon is built here, by hand, because npm 12 does not build it.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

const CACHE = process.env.AYE_CACHE ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'aye')
const HOME = join(CACHE, 'sd-notify')
const PACKAGES = ['sd-notify@2.8.0', 'mocha@7.0.1', 'node-gyp@11']
const ORIGINAL = join(HOME, 'node_modules/sd-notify')

export const mocha = join(HOME, 'node_modules/mocha/bin/mocha')

function call(what, command, args, cwd) {
  const options = { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }
  const { status, stdout, stderr, error } = spawnSync(command, args, options)
  if (status !== 0) throw new Error(`${what} in ${cwd} failed: ${error?.message ?? stdout + stderr}`)
}

/** The folder of the package and of what its suite needs, installed when it is not there yet. */
export function installed() {
  if (existsSync(join(ORIGINAL, 'test/test.js')) && existsSync(mocha)) return ORIGINAL
  // Test files run side by side: each installs in a folder of its own, and the first to be done has the name.
  const folder = `${HOME}.${process.pid}`
  mkdirSync(folder, { recursive: true })
  const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--silent', '--prefix', folder]
  call(`npm install ${PACKAGES.join(' ')}`, 'npm', ['install', ...flags, ...PACKAGES], folder)
  try {
    renameSync(folder, HOME)
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    rmSync(folder, { recursive: true })
  }
  return ORIGINAL
}

/** The same with its addon, for the Node that runs this. It takes a C++ compiler, make, python3 and libsystemd-dev. */
export function built() {
  installed()
  if (!existsSync(join(ORIGINAL, 'build/Release/notify.node'))) {
    const gyp = join(HOME, 'node_modules/node-gyp/bin/node-gyp.js')
    call('node-gyp rebuild, which takes g++, make, python3 and libsystemd-dev,', process.execPath,
      [gyp, 'rebuild', `--nodedir=${headers()}`], ORIGINAL)
  }
  return ORIGINAL
}

/** Where the headers of this very Node are: beside it, or beside the same version in the cache of runtimes.mjs. */
function headers() {
  const major = process.versions.node.split('.', 1)[0]
  const beside = join(dirname(process.execPath), '..')
  const cached = join(CACHE, `runtimes/node-${major}/node_modules/node-linux-${process.arch}`)
  const found = [beside, cached].find((folder) => existsSync(join(folder, 'include/node/node_api.h')))
  if (found !== undefined) return found
  throw new Error(`there are no headers of Node ${major}: run node/test/runtimes.mjs ${major} first`)
}
