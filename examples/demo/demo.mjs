// `make demo`: four instances of examples/node-http behind one socket, run by the embedded manager and restarted one after
// another under a steady stream of requests. It ends with what that took, and its last line is `requests: N ok, 0 failed`.
//
//     node examples/demo/demo.mjs AYE      the path of the command; examples/demo/run builds it first

import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { kill, start, stop, stopAll } from './child.mjs'
import { Traffic } from './traffic.mjs'

const SERVICE = join(dirname(fileURLToPath(import.meta.url)), '../node-http')
const INSTANCES = ['1', '2', '3', '4']
const FIXED_WAIT_S = 10
const LIMIT_MS = 55_000
const SETTLE_MS = 500
const LOG_LINES = 20
// The exit codes of DESIGN.md: done, and interrupted by SIGTERM, which is how the demo ends it.
const STOPPED = [0, 143]

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`
const short = (unit) => unit.replace(/\.service$/, '')
const sleep = (ms) => new Promise((done) => { setTimeout(done, ms) })

/** A folder of the units of examples/node-http, with a socket that listens on `port`. */
function layOut(port) {
  const directory = mkdtempSync(join(tmpdir(), 'aye-demo-'))
  for (const name of readdirSync(SERVICE)) symlinkSync(join(SERVICE, name), join(directory, name))
  mkdirSync(join(directory, 'web.socket.d'))
  mkdirSync(join(directory, 'runtime'), { mode: 0o700 })
  writeFileSync(join(directory, 'web.socket.d/port.conf'), `[Socket]\nListenStream=\nListenStream=127.0.0.1:${port}\n`)
  return directory
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise((closed) => { server.close(closed) })
  return port
}

/** Starts the embedded manager and waits until each instance has said that it listens. */
async function startManager(aye, directory, env) {
  const log = []
  const waiting = new Set(INSTANCES)
  let arrived
  const ready = new Promise((all) => { arrived = all })
  const units = INSTANCES.map((instance) => `web@${instance}.service`)
  const manager = start(aye, ['run', '-C', directory, ...units], env, (line) => {
    log.push(line)
    const instance = line.match(/web (\d+): listening on /)?.[1]
    if (waiting.delete(instance) && waiting.size === 0) arrived()
  })
  const early = manager.exit.then((how) => {
    throw new Error(`aye run ended with ${how} before every instance was ready:\n${log.slice(-LOG_LINES).join('\n')}`)
  })
  await Promise.race([ready, early])
  // From here its end is no surprise: the demo asks for it.
  early.catch(() => {})
  return { manager, log }
}

/** Follows `aye restart --json` and shows it; gives the time to ready of each unit, in order, and of all. */
async function restart(aye, env) {
  const times = new Map()
  const other = []
  let total
  const child = start(aye, ['restart', '--embedded', '--json', 'web@*'], env, (line) => {
    const event = parse(line)
    if (!event) return void other.push(line)
    show(event)
    if (event.event === 'ready') times.set(short(event.unit), event.elapsed_ms)
    if (event.event === 'unit_failed') other.push(`${short(event.unit)}: ${event.reason}`, ...event.log ?? [])
    if (event.event === 'summary') total = event.elapsed_ms
  })
  console.log('Restarting them one after another, under requests: aye restart \'web@*\'')
  const how = await child.exit
  endLine()
  if (how !== 0) throw new Error(`aye restart ended with ${how}:\n${other.join('\n')}`)
  if (times.size !== INSTANCES.length || total === undefined) {
    throw new Error(`aye restart reported ${times.size} of ${INSTANCES.length} units ready: ${[...times.keys()].join(', ')}`)
  }
  return { times, total }
}

function parse(line) {
  try {
    const event = JSON.parse(line)
    return typeof event?.event === 'string' ? event : null
  } catch {
    return null
  }
}

/** One line a unit; on a terminal it first shows the unit's status as it changes. */
function show({ event, unit, index, total, status, elapsed_ms: elapsed, reason }) {
  const say = (text, last) => {
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K  ${text}${last ? '\n' : ''}`)
    else if (last) console.log(`  ${text}`)
  }
  if (event === 'unit_start') say(`${short(unit)}  restarting`, false)
  if (event === 'status') say(`${short(unit)}  ${seconds(elapsed)}  "${status}"`, false)
  if (event === 'ready') say(`${short(unit)}  ready in ${seconds(elapsed)}  ${index}/${total}`, true)
  if (event === 'unit_failed') say(`${short(unit)}  FAILED: ${reason}`, true)
}

function endLine() {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K')
}

function warmUp(unit) {
  const instance = unit.slice(unit.indexOf('@') + 1)
  return Number(readFileSync(join(SERVICE, `web-${instance}.env`), 'utf8').match(/^WARMUP_MS=(\d+)$/m)[1])
}

function summarise({ times, total }) {
  const row = (unit, warm, ready) => console.log(`  ${unit.padEnd(8)}${warm.padStart(12)}${ready.padStart(18)}`)
  row('unit', 'its warm-up', 'time to ready')
  for (const [unit, ms] of times) row(unit, seconds(warmUp(unit)), seconds(ms))
  row('all', '', seconds(total))
  console.log(`  with a fixed wait of ${FIXED_WAIT_S} s for each it would have been ${seconds(times.size * FIXED_WAIT_S * 1000)}`)
}

/**
 * The processes that outlived the manager, which must be none; they are killed. Whatever it starts has the name of the
 * demo's folder in its environment, as part of the path of its notify socket.
 */
function leftBehind(directory) {
  const isOurs = (pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(directory)
    } catch {
      return false
    }
  }
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isOurs(name) && kill(Number(name), 'SIGKILL'))
}

async function play(aye, directory, port, traffic) {
  const path = [dirname(process.execPath), process.env.PATH].join(delimiter)
  const env = { AYE_RUNTIME_DIR: join(directory, 'runtime'), PATH: path }
  console.log(`Starting web@1 to web@4 under aye run, all on 127.0.0.1:${port}`)
  const { manager, log } = await startManager(aye, directory, env)
  traffic.start()
  await sleep(SETTLE_MS)
  const figures = await restart(aye, env)
  await sleep(SETTLE_MS)
  await traffic.stop()
  const how = await stop(manager)
  if (!STOPPED.includes(how)) throw new Error(`aye run ended with ${how} when it was told to stop:\n${log.slice(-LOG_LINES).join('\n')}`)
  return figures
}

/** Rejects when the demo is interrupted, or takes too long. */
function interruption() {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => reject(new Error(`interrupted by ${signal}`)))
    setTimeout(() => reject(new Error(`not done after ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref()
  })
}

async function main() {
  if (process.argv.length !== 3) throw new Error('expected one argument, the path of aye: node examples/demo/demo.mjs AYE')
  // Before anything is made that would have to be cleared away.
  const interrupted = interruption()
  interrupted.catch(() => {})
  const port = await freePort()
  const traffic = new Traffic(port)
  const directory = layOut(port)
  let figures
  try {
    figures = await Promise.race([play(resolve(process.argv[2]), directory, port, traffic), interrupted])
  } catch (error) {
    endLine()
    console.error(`demo: ${error.message}`)
    process.exitCode = 1
  }
  // First the requests, so that none counts as lost because the demo itself ends; but not at any price.
  await Promise.race([traffic.stop(), sleep(SETTLE_MS)])
  await stopAll()
  const left = leftBehind(directory)
  if (left.length > 0) {
    console.error(`demo: aye run left these processes behind, they are killed now: ${left.join(', ')}`)
    process.exitCode = 1
  }
  rmSync(directory, { recursive: true })
  if (figures) summarise(figures)
  for (const [failure, times] of traffic.failures) console.error(`demo: ${times} requests failed: ${failure}`)
  if (traffic.failed > 0 || traffic.ok === 0) process.exitCode = 1
  console.log(`requests: ${traffic.ok} ok, ${traffic.failed} failed`)
}

main().catch((error) => {
  console.error(`demo: ${error.message}`)
  process.exitCode = 1
})
