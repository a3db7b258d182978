'use strict'

// The programs that bench/node/run measures: the receiver, and for each way of sending a child that waits to be asked.
// All of them run on one CPU, where the receiver has the right of way.

const { execFileSync, spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { cpus } = require('node:os')
const { join } = require('node:path')
const { createInterface } = require('node:readline')

// What a service manager may have left in this environment.
const STRAY = Object.fromEntries(['NOTIFY_SOCKET', 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'SYSTEMD_EXEC_PID',
  'WATCHDOG_PID', 'WATCHDOG_USEC'].map((name) => [name, undefined]))

/** A child whose lines are awaited one by one; writing a line to it asks for the next. */
function converse([command, ...args], env) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${command} ${args.join(' ')} ended before its answer`)
    return value
  }
  return { child, next, ask: async () => (child.stdin.write('go\n'), Number(await next())) }
}

async function finish({ child }) {
  child.stdin.end()
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** The commands of the ways that are not ping.js alone, by key. */
function commands({ aye, program, socket }) {
  const wrapped = (...command) => [aye, 'wrap', '--', ...command]
  return {
    'c-fd': (count) => wrapped(program, 'write', count),
    'c-send': (count) => wrapped(program, 'send', count),
    'c-socket': (count) => [program, 'send', count, socket],
    'fd': (count) => wrapped(...js('fd', count)),
  }
}

function js(key, count) {
  return [process.execPath, join(__dirname, 'ping.js'), key, count]
}

/**
 * @param {{ key: string, count: number }[]} ways how, and how many heartbeats at once
 * @param {{ directory: string, aye: string, built: string, children: object[] }} place where the socket lies, the
 *   command, the packages built from source, and the list that every child started here is put on
 */
async function start(ways, { directory, aye, built, children }) {
  const [program, socket] = [join(directory, 'ping'), join(directory, 'notify')]
  const flags = ['-O2', '-Wall', '-Wextra', '-Werror']
  execFileSync('gcc', [...flags, '-o', program, join(__dirname, 'ping.c')], { stdio: 'inherit' })
  const env = { ...STRAY, NOTIFY_SOCKET: socket, AYE_BENCH_BUILT: built }
  const run = (...command) => (children.push(converse(command, env)), children.at(-1))
  // Only root may put the receiver before all others; behind all others anyone may put the senders.
  const first = spawnSync('chrt', ['-f', '1', 'true']).status === 0
  const receiver = run('taskset', '-c', '0', ...(first ? ['chrt', '-f', '1'] : []), program, 'drain', socket)
  await receiver.next()
  const own = commands({ aye, program, socket })
  const senders = ways.map(({ key, count }) => {
    const command = own[key] ? own[key](String(count)) : js(key, String(count))
    return [key, run('taskset', '-c', '0', ...(first ? [] : ['chrt', '-i', '0']), ...command)]
  })
  return { receiver, socket, senders: Object.fromEntries(senders) }
}

/** Moves the receiver to another CPU than its senders'; false where there is none. */
function moveAway({ child: { pid } }) {
  if (cpus().length < 2) return false
  execFileSync('taskset', ['-cp', '1', String(pid)], { stdio: 'ignore' })
  execFileSync('chrt', ['-o', '-p', '0', String(pid)])
  return true
}

module.exports = { STRAY, finish, moveAway, start }
