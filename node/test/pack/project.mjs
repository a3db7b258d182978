// An empty project that installs the package as its users do, with npm 12 and a PATH of chosen programs; the tarball
// itself is packed here too. Everything lies in one temporary folder, npm's cache and home included.

import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { node, tool } from './cache.mjs'

export const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), '../..')
// npm 12 does not support Node 20.
export const NODE = node(24)
export const NPM = tool('npm')
// By its path: the PATH of a project does not hold it.
const UNSHARE = '/usr/bin/unshare'
// The CPUs that are tested; `make addon` builds all of them at once, and more.
const TESTED = ['linux-arm64.node', 'linux-x64.node']

/** The addons that were built, by file name. */
export function prebuilds() {
  let names = []
  try {
    names = readdirSync(join(PACKAGE, 'prebuilds')).sort()
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  const missing = TESTED.filter((name) => !names.includes(name))
  if (missing.length > 0) throw new Error(`packing: node/prebuilds lacks ${missing.join(' and ')}: run 'make addon'`)
  return names
}

/** Packs the package: the tarball's path, its size in bytes and the paths in it. */
export function pack(directory) {
  prebuilds()
  const args = [NPM, 'pack', PACKAGE, '--json', '--pack-destination', directory]
  const [{ filename, size, files }] = Object.values(JSON.parse(call(NODE.program, args, { cwd: directory })))
  return { path: join(directory, filename), size, files: files.map(({ path }) => path).sort() }
}

function call(command, args, options) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options })
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`)
  return stdout
}

/** The environment without what npm and node take from it, and without anything of a service manager. */
function bare(more) {
  const theirs = /^(npm_|NODE_OPTIONS|NOTIFY_|WATCHDOG_|LISTEN_|SYSTEMD_)/i
  const kept = Object.entries(process.env).filter(([key]) => !theirs.test(key))
  return { ...Object.fromEntries(kept), ...more }
}

/** A command without network, with folders that look empty to it alone, or both. */
function place(command, offline, hidden) {
  if (!offline && hidden.length === 0) return command
  const flags = [...process.getuid() === 0 ? [] : ['--map-root-user'], '--mount', ...offline ? ['--net'] : []]
  const empty = hidden.map((path) => `mount -t tmpfs none ${path} && `).join('')
  return [UNSHARE, ...flags, '/bin/sh', '-c', `${empty}exec "$@"`, 'sh', ...command]
}

/**
 * @param {{ compiler?: boolean, hidden?: string[] }} machine whether PATH holds more than node and sh, and folders that
 *   are to look empty to npm and what it starts
 */
export function project({ compiler = false, hidden = [] } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'aye-pack-'))
  const folder = (name) => (mkdirSync(join(root, name)), join(root, name))
  const [app, home, bin] = ['app', 'home', 'bin'].map(folder)
  symlinkSync(NODE.program, join(bin, 'node'))
  symlinkSync('/bin/sh', join(bin, 'sh'))
  writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true }))
  const PATH = compiler ? [bin, process.env.PATH].join(delimiter) : bin

  return {
    app,
    /** The environment of a program of this project. */
    env: (more) => bare({ PATH, HOME: home, ...more }),

    /** `npm install` of these; `offline` has no network at all, not even a loopback. */
    async install(wanted, { flags = [], offline = false, env = {}, cache = join(root, 'cache') } = {}) {
      const npm = [NODE.program, NPM, 'install', ...flags, '--cache', cache, ...wanted]
      const [command, ...args] = place(npm, offline, hidden)
      const options = { cwd: app, env: this.env(env) }
      return new Promise((resolve) => {
        execFile(command, args, options, (error, _, stderr) => resolve({ status: error?.code ?? 0, stderr }))
      })
    },

    /** What npm installed: the lock file's packages by path. */
    locked: () => JSON.parse(readFileSync(join(app, 'package-lock.json'), 'utf8')).packages,
    remove: () => rmSync(root, { recursive: true }),
  }
}
