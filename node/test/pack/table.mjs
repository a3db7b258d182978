// `node node/test/pack/table.mjs`: what becomes of the npm packages for sd_notify under npm 12, printed as the table of
// the README. Each cell is observed: the package is installed into an empty project, a program is run that is to say
// READY=1, and what the receiver hears counts. Takes a network, gcc and libsystemd-dev, and root, to hide the latter's
// headers. Fails when ours does anything but work, or when a fact about the others' is no longer what it was.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import support from '../support/service.js'
import { CACHE } from './cache.mjs'
import { NODE, pack, project } from './project.mjs'

const HEADERS = '/usr/include/systemd'
const ALLOWED = ['--dangerously-allow-all-scripts']

const MACHINES = [
  { title: 'as it is, no compiler' },
  { title: 'as it is, compiler', compiler: true },
  { title: 'scripts allowed, no compiler', flags: ALLOWED },
  { title: 'scripts allowed, compiler', flags: ALLOWED, compiler: true, hidden: [HEADERS] },
  { title: 'and libsystemd-dev', flags: ALLOWED, compiler: true },
]

const [WORKS, THROWS, FAILS, SILENT] = ['works', 'require throws', 'install fails', 'loads, sends nothing']
// Each program is the package's own way to say READY=1; `expected` is what was seen on every machine, in their order.
const NEEDS_HEADERS = [THROWS, THROWS, FAILS, FAILS, WORKS]
const ALWAYS = Array(MACHINES.length).fill(WORKS)
const PACKAGES = [
  { name: 'aye', say: 'require("aye").ready()', expected: ALWAYS },
  { name: 'sd-notify', version: '2.8.0', say: 'require("sd-notify").ready()', expected: NEEDS_HEADERS },
  {
    name: 'sd-daemon',
    version: '2.0.1',
    say: 'import("sd-daemon").then((it) => it.notifyReady())',
    expected: NEEDS_HEADERS,
  },
  {
    name: 'unix-dgram',
    version: '2.0.7',
    // Its handle keeps the process alive.
    say: 'const socket = require("unix-dgram").createSocket("unix_dgram"); socket.connect(process.env.NOTIFY_SOCKET);' +
      'socket.send(Buffer.from("READY=1")); process.exit()',
    expected: [THROWS, THROWS, FAILS, WORKS, WORKS],
  },
  {
    name: 'systemd-daemon',
    version: '1.1.2',
    say: 'require("systemd-daemon").notify("READY=1")',
    expected: [SILENT, SILENT, SILENT, WORKS, WORKS],
  },
  { name: 'systemd-notify', version: '1.0.0', say: 'require("systemd-notify")({ ready: true })', expected: ALWAYS },
]

/** Whether READY=1 arrives. What comes last is sent by a program that is known to work, so nothing waits in vain. */
async function arrives(own, say, t) {
  const manager = await support.receiver(t)
  // systemd-notify is the program of systemd, which is wherever there is something to notify.
  const env = own.env({ NOTIFY_SOCKET: manager.socket })
  const options = { cwd: own.app, env: { ...env, PATH: process.env.PATH }, encoding: 'utf8', timeout: 30_000 }
  const run = spawnSync(NODE.program, ['-e', say], options)
  const { status } = spawnSync(support.AYE, ['notify', 'X_END=1'], { env, stdio: 'inherit' })
  if (status !== 0) throw new Error(`aye notify ended with ${status}`)
  const { text } = await manager.next()
  return { ready: /^READY=1/.test(text), status: run.status, stderr: run.stderr }
}

async function observe({ say, wanted, offline }, { compiler, hidden, flags }, t) {
  const own = project({ compiler, hidden })
  t.after(own.remove)
  const network = offline ? {} : { cache: join(CACHE, 'pack/npm-cache') }
  const env = { npm_config_nodedir: NODE.home }
  const { status, stderr } = await own.install([wanted], { flags, env, offline, ...network })
  if (status !== 0) return { seen: FAILS, why: stderr }
  const { ready, status: ended, stderr: said } = await arrives(own, say, t)
  if (ready) return { seen: WORKS }
  return { seen: ended === 0 ? SILENT : THROWS, why: said }
}

/** Runs with something that collects what to undo, as a test's context does. */
async function undoing(run) {
  const undo = []
  try {
    return await run({ after: (what) => undo.unshift(what) })
  } finally {
    for (const what of undo) await what()
  }
}

/** AYE_PACK_WHY=1 also tells what was said where nothing works. */
function judge(name, machine, { seen, why = '' }, expected) {
  if (seen !== expected) {
    process.exitCode = 1
    console.error(`table: ${name}, ${machine}: ${seen} instead of ${expected}: ${why}`)
  } else if (process.env.AYE_PACK_WHY && why) {
    console.error(`${name}, ${machine}: ${why}`)
  }
}

async function main() {
  const header = join(HEADERS, 'sd-daemon.h')
  if (!existsSync(header)) throw new Error(`building sd-notify: there is no ${header}: install libsystemd-dev`)
  const directory = mkdtempSync(join(tmpdir(), 'aye-table-'))
  try {
    const tarball = pack(directory).path
    console.log(`| Node ${NODE.version}, npm 12 | ${MACHINES.map(({ title }) => title).join(' | ')} |`)
    console.log(`|---${'|---'.repeat(MACHINES.length)}|`)
    for (const { name, version, say, expected } of PACKAGES) {
      const subject = { say, wanted: version ? `${name}@${version}` : tarball, offline: version === undefined }
      const cells = await Promise.all(MACHINES.map((machine) => undoing((t) => observe(subject, machine, t))))
      console.log(`| ${name}${version ? ` ${version}` : ''} | ${cells.map(({ seen }) => seen).join(' | ')} |`)
      cells.forEach((cell, at) => judge(name, MACHINES[at].title, cell, expected[at]))
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

main().catch((error) => {
  console.error(`table: ${error.message}`)
  process.exitCode = 1
})
