// Processes that the demo starts and that never outlive it: each in a group of its own, so that Ctrl-C reaches the demo
// alone, which then ends them in order.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const PATIENCE_MS = 20_000

const running = new Set()
let closing = false

/** Starts a program; `line` gets each line of its stdout and its stderr. `exit` is its code, or the signal that ended it. */
export function start(command, args, env, line) {
  if (closing) throw new Error(`${command} is not started: the demo is ending`)
  const process_ = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const child = { pid: process_.pid, what: [command, ...args].join(' ') }
  for (const stream of [process_.stdout, process_.stderr]) createInterface({ input: stream }).on('line', line)
  child.exit = new Promise((resolve, reject) => {
    process_.once('error', (error) => {
      running.delete(child)
      reject(new Error(`starting ${child.what} failed: ${error.message}`))
    })
    process_.once('exit', (code, signal) => {
      running.delete(child)
      resolve(code ?? signal)
    })
  })
  child.exit.catch(() => {})
  running.add(child)
  return child
}

/** Asks it to end with SIGTERM and waits for that; what is not gone in time is killed, with its group. */
export async function stop(child) {
  if (!running.has(child)) return child.exit
  kill(child.pid, 'SIGTERM')
  const timer = setTimeout(() => kill(-child.pid, 'SIGKILL'), PATIENCE_MS)
  try {
    return await child.exit
  } finally {
    clearTimeout(timer)
  }
}

/** Ends whatever still runs, the last one started first; nothing is started any more. */
export async function stopAll() {
  closing = true
  for (const child of [...running].reverse()) await stop(child).catch(() => {})
}

/** Signals a process, or with a negative number its group; that it is gone already is no error. */
export function kill(pid, signal) {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
    return false
  }
}
