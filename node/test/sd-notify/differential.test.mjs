// The same calls by sd-notify 2.8.0, built, and by ours, to the same receiver: what each sent is compared. Where they
// differ it is on purpose, and the row says why. Takes root, for a mount namespace with a journal's socket of our own.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { built } from './original.mjs'

const { environment, receiver } = createRequire(import.meta.url)('../support/service.js')
const OURS = fileURLToPath(new URL('../../sd-notify.js', import.meta.url))
const END = 'X_END=1'
const LONG = 'x'.repeat(5000)
const entry = (priority, text) => `MESSAGE=${text}\nPRIORITY=${priority}\nSYSLOG_IDENTIFIER=node\n`
let theirs

before(() => { theirs = built() })

/** What a call comes to: datagrams, or the name of what it threw, or the signal that ended the process. */
const SAME = [
  ['notify.ready()', ['READY=1']],
  ['notify.ready(1)', ['READY=1']],
  ['notify.stopping(process.pid)', ['STOPPING=1']],
  ['notify.stopping()', ['STOPPING=1']],
  ['notify.watchdog()', ['WATCHDOG=1']],
  ['notify.sendState("READY=1\\nSTATUS=up")', ['READY=1\nSTATUS=up']],
  ['notify.sendState("WATCHDOG_USEC=5000000")', ['WATCHDOG_USEC=5000000']],
  ['notify.sendState(["STATUS=one"])', ['STATUS=one']],
  ['notify.sendStatus(Symbol("s"))', ['TypeError']],
  ['notify.startWatchdogMode(1n)', ['TypeError']],
  ['notify.stopWatchdogMode()', []],
]

const DIFFERENT = [
  ['a status ends without a line break', 'notify.sendStatus("up")', ['STATUS=up\n'], ['STATUS=up']],
  ['a line break in a status began another assignment',
    'notify.sendStatus("a\\nREADY=1")', ['STATUS=a\nREADY=1\n'], ['STATUS=a READY=1']],
  ['systemd eats a single backslash, and drops a message that ends with one',
    'notify.sendState("STATUS=C:\\\\")', ['a lone backslash at its end'], ['STATUS=C:\\\\']],
  ['systemd drops more than 4096 bytes',
    `notify.sendStatus("${LONG}")`, ['over 4096 bytes'], [`STATUS=${LONG.slice(0, 4086)}…`]],
  ['text after a NUL was lost', 'notify.sendStatus("a\\0b")', ['STATUS=a'], ['STATUS=a b']],
  ['the types of DefinitelyTyped ask for an array, which became one assignment',
    'notify.sendState(["STATUS=a", "WATCHDOG=1"])', ['STATUS=a,WATCHDOG=1'], ['STATUS=a\nWATCHDOG=1']],
  ['systemd ignores what is no assignment: a warning instead', 'notify.sendState("a test")', ['a test'], []],
  ['a status was made up of what is no text',
    'notify.sendState(Symbol("s"))', ['STATUS=conversion failed'], ['TypeError']],
  ['a first heartbeat after a whole interval can come too late',
    'notify.startWatchdogMode(1e6); notify.stopWatchdogMode()', [], ['WATCHDOG=1']],
]

const JOURNAL = [
  ['the fields that name a source named always the same line of the package itself',
    'notify.log.info("up", 1, null, ["a", "b"])', [theirEntry(6, 'up 1  a,b')], [entry(6, 'up 1  a,b')]],
  ['nothing is no entry', 'notify.log.info("\\n")', [], []],
  ['blanks at the end are no text', 'notify.log.warn("  up \\n")', [theirEntry(4, '  up')], [entry(4, '  up')]],
  ['text was a format', 'notify.log.info("50% done")', [theirEntry(6, '50 0one')], [entry(6, '50% done')]],
  ['text after a NUL was lost', 'notify.log.info("a\\0b")', [theirEntry(6, 'a')], [entry(6, 'a b')]],
  ['words after the first were lost', 'notify.journalPrint(5, "a", "b")', [theirEntry(5, 'a')], [entry(5, 'a b')]],
  ['an entry with a level that is none was lost', 'notify.journalPrint(8, "a")', [], ['TypeError']],
  ['a level in a string was an emergency', 'notify.journalPrint("6", "a")', [theirEntry(0, 'a')], ['TypeError']],
  ['words without a level were an emergency',
    'notify.journalPrint(["a"])', [theirEntry(0, 'undefined')], ['TypeError']],
  ['what looked like printf\'s words was read from memory that is not its own', `notify.log.info("${'%s'.repeat(20)}")`,
    ['SIGSEGV'], [entry(6, '%s'.repeat(20))]],
  ['and libc ends a process that would write there', 'notify.log.info("%n")', ['SIGABRT'], [entry(6, '%n')]],
]

function theirEntry(priority, text) {
  const [message, level, program] = entry(priority, text).trimEnd().split('\n')
  return [message, level, 'CODE_FILE=../notify.cc', 'CODE_LINE=58', 'CODE_FUNC=journal_print', program, ''].join('\n')
}

// In a namespace of its own /run is empty but for journald's socket, which is the receiver's when there is one.
const INSIDE = `mount -t tmpfs none /run
  mkdir -p /run/systemd/journal
  if [ "$0" ]; then
    touch /run/systemd/journal/socket
    mount --bind "$0" /run/systemd/journal/socket
  fi
  exec "$@"`

/** A process that runs `code` with `notify`, the package at `path`. */
function start(t, path, code, { socket, journal = '' }) {
  const program = `const notify = require(${JSON.stringify(path)});${code}`
  const child = spawn('unshare', ['--mount', 'sh', '-ec', INSIDE, journal, process.execPath, '--eval', program],
    { env: environment({ NOTIFY_SOCKET: socket }), stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const all = (stream) => stream.setEncoding('utf8').toArray().then((chunks) => chunks.join(''))
  return Promise.all([all(child.stdout), all(child.stderr), once(child, 'close')])
    .then(([stdout, stderr, [status, signal]]) => ({ stdout, stderr, status, signal }))
}

/** What came of a call: the name of what it threw, or the datagrams at the receiver up to the end of the process. */
async function outcome(t, path, call, where) {
  const { socket, next } = await receiver(t)
  const program = `try { ${call} } catch (error) { console.log(error.name) }`
  const { stdout, status, signal } = await start(t, path, program, where(socket))
  if (stdout !== '') return [stdout.trim()]
  if (status !== 0) return [signal]
  await start(t, theirs, `notify.sendState('${END}')`, toManager(socket))
  const datagrams = []
  for (let one; (one = await next()).text !== END;) datagrams.push(one.text ?? one.dropped)
  return datagrams
}

const toManager = (socket) => ({ socket })
const toJournal = (socket) => ({ journal: socket })

for (const [call, expected] of SAME) {
  test(`sends the same for ${call}`, async (t) => {
    assert.deepEqual(await outcome(t, theirs, call, toManager), expected)
    assert.deepEqual(await outcome(t, OURS, call, toManager), expected)
  })
}

for (const [rows, where] of [[DIFFERENT, toManager], [JOURNAL, toJournal]]) {
  for (const [why, call, original, own] of rows) {
    test(`differs: ${why}: ${call.slice(0, 60)}`, async (t) => {
      assert.deepEqual(await outcome(t, theirs, call, where), original)
      assert.deepEqual(await outcome(t, OURS, call, where), own)
    })
  }
}

test('differs: the second start of two could not be stopped', async (t) => {
  const { socket, next } = await receiver(t)
  const twice = 'notify.startWatchdogMode(5); notify.startWatchdogMode(5)'
  const code = `${twice}; notify.stopWatchdogMode(); notify.sendState("X_STOPPED=1")`
  start(t, theirs, code, { socket })
  for (let text; text !== 'X_STOPPED=1';) ({ text } = await next())
  for (let beat = 0; beat < 3; beat++) assert.equal((await next()).text, 'WATCHDOG=1')
  assert.deepEqual(await outcome(t, OURS, code, toManager), ['WATCHDOG=1', 'WATCHDOG=1', 'X_STOPPED=1'])
})

test('differs: in a second thread it could not be loaded', async (t) => {
  const code = (path) => `const { Worker } = require('node:worker_threads')
    new Worker('require("${path}").sendState("X_WORKER=1")', { eval: true })`
  const { stderr, status } = await start(t, theirs, code(theirs), {})
  assert.match(stderr, /Module did not self-register/)
  assert.equal(status, 1)
  assert.deepEqual(await outcome(t, OURS, code(OURS), toManager), ['X_WORKER=1'])
})

test('differs: it could not be imported by name', async () => {
  assert.deepEqual(Object.keys(await import(join(theirs, 'index.js'))), ['default'])
  assert.equal((await import(OURS)).ready, createRequire(import.meta.url)(OURS).ready)
})

test('has every name of the other but for the path of its addon', () => {
  const [original, own] = [theirs, OURS].map(createRequire(import.meta.url))
  assert.deepEqual(Object.keys(original).filter((name) => name !== 'path').sort(), Object.keys(own).sort())
  assert.deepEqual(Object.keys(original.log), Object.keys(own.log))
})
