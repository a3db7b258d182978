'use strict'

// Real parts for the tests: a receiver bound to a socket of its own (`receive`, an example of crate aye), and a service
// started the way a unit would start it (`aye wrap`). Everything started here is gone when its test ends.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { accessSync, cpSync, existsSync, mkdtempSync, rmSync, constants } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { createInterface } = require('node:readline')
const { test } = require('node:test')

const TARGET = process.env.CARGO_TARGET_DIR ?? join(__dirname, '../../../target')
const AYE = built(process.env.AYE_BIN ?? join(TARGET, 'debug/aye'), '-p aye-cli')
const RECEIVE = built(process.env.AYE_RECEIVE ?? join(TARGET, 'debug/examples/receive'), '-p aye --example receive')
// Another program that runs JavaScript, such as bun; the tests themselves stay with Node.
const RUNTIME = process.env.AYE_TEST_RUNTIME ?? process.execPath
const SUBJECT = join(__dirname, 'subject.js')
const PACKAGE = join(__dirname, '../..')
// Longer than anything takes, under an emulator on a busy machine too, and shorter than what runtimes/run.mjs grants.
const LONGEST_MS = 120_000
// What RUNTIME cannot do, by the names in runtimes/table.mjs; that it says so has tests in runtimes/cannot.
const CANNOT = (process.env.AYE_TEST_CANNOT ?? '').split(' ')
const ONLY = process.env.AYE_TEST_TRANSPORT
const TRANSPORTS = Object.entries({ fd: 'descriptor', addon: 'addon' })
  .filter(([transport, feature]) => (ONLY ?? transport) === transport && has(feature)).map(([transport]) => transport)

const addon = join(PACKAGE, `prebuilds/linux-${process.arch}.node`)
if (!existsSync(addon)) throw new Error(`the tests need ${addon}: build it with 'make addon'`)

/** Whether the runtime under test can do it. */
function has(feature) {
  return !CANNOT.includes(feature)
}

function built(path, package_) {
  try {
    accessSync(path, constants.X_OK)
  } catch {
    throw new Error(`the tests need ${path}: build it with 'cargo build ${package_}'`)
  }
  return path
}

/** A copy of the package as it is on a CPU without an addon; gives the path of its subject. */
function withoutAddon(t) {
  const root = mkdtempSync(join(tmpdir(), 'aye-bare-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const path of ['index.js', 'package.json', 'lib', 'test/support']) {
    cpSync(join(PACKAGE, path), join(root, path), { recursive: true })
  }
  return join(root, 'test/support/subject.js')
}

/** Lines of a stream, each awaited once with `next`; the end of the stream is undefined. */
function lines(stream) {
  const iterator = createInterface({ input: stream })[Symbol.asyncIterator]()
  return async () => (await within(iterator.next(), 'another line')).value
}

/** What is awaited, or an error that fails the test by its name, where a run that is ended from outside tells of none. */
async function within(promise, what) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${LONGEST_MS / 1000} s in vain for ${what}`)), LONGEST_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A test for each transport; `how` is to be handed on to `service`. */
function overEach(title, run) {
  for (const transport of TRANSPORTS) test(`${transport}: ${title}`, (t) => run(t, { wrapped: transport === 'fd' }, transport))
}

/** Starts a receiver, on the address of one that is gone if given. `next()` gives its next datagram. */
async function receiver(t, after) {
  const directory = mkdtempSync(join(tmpdir(), 'aye-node-'))
  const socket = after?.socket ?? join(directory, 'notify')
  rmSync(socket, { force: true })
  const child = spawn(RECEIVE, [socket], { stdio: ['pipe', 'pipe', 'inherit'] })
  const line = lines(child.stdout)
  const next = async () => JSON.parse(await line() ?? '{"text":"no datagram: the receiver has ended"}')
  t.after(async () => {
    await end(child, 'SIGKILL')
    rmSync(directory, { recursive: true })
  })
  const { event } = await next()
  if (event !== 'bound') throw new Error(`the receiver did not bind ${socket}`)
  return { socket, next, child, gone: () => end(child, 'SIGKILL') }
}

async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

/**
 * Starts a service that runs `code`, see subject.js. `setup` is shell code that comes between `aye wrap` and node, in the
 * same process; `wrapped: false` leaves `aye wrap` out, so that there is $NOTIFY_SOCKET alone.
 */
function service(t, code, { socket, env = {}, setup = '', wrapped = true, subject = SUBJECT, runtime = RUNTIME } = {}) {
  const node = [...runtime.split(' '), subject, code]
  const shell = ['sh', '-c', `${setup}\nexec "$@"`, 'sh', ...node]
  const [command, ...rest] = wrapped ? [AYE, 'wrap', '--', ...shell] : shell
  const child = spawn(command, rest, { env: environment({ NOTIFY_SOCKET: socket, ...env }), stdio: ['pipe', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => { stderr += text })
  const line = lines(child.stdout)
  const late = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS)
  child.once('exit', () => clearTimeout(late))
  const exit = once(child, 'close').then(([status, signal]) => ({ status: status ?? signal, stderr }))
  t.after(() => end(child, 'SIGKILL'))
  return {
    child,
    pid: child.pid,
    said: async () => JSON.parse(await line() ?? `"nothing said, but on stderr: ${JSON.stringify(stderr).slice(1, -1)}"`),
    exit,
  }
}

/** The environment of this test run without what a service manager may have left in it. */
function environment(more) {
  const kept = Object.entries({ ...process.env, ...more }).filter(([key, value]) =>
    value !== undefined && (key in more || !/^(NOTIFY_|WATCHDOG_|LISTEN_|NODE_|SYSTEMD_EXEC_PID)/.test(key)))
  return Object.fromEntries(kept)
}

module.exports = { AYE, RUNTIME, environment, has, overEach, receiver, service, withoutAddon }
