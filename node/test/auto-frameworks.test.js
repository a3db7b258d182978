'use strict'

// The hello-worlds of web frameworks under aye/auto, unmodified: each says READY, answers, beats, says STOPPING at
// SIGTERM, and ends as it ends without it. They are installed from npm at the first run, see auto/frameworks.js.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')
const { constants } = require('node:os')
const { test } = require('node:test')
const { setTimeout } = require('node:timers/promises')

const { FRAMEWORKS, prepare } = require('./auto/frameworks.js')
const { AUTO } = require('./auto/program.js')
const { AYE, environment, overEach, receiver } = require('./support/service.js')

async function freePort() {
  const server = net.createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address()
  await once(server.close(), 'close')
  return port
}

/** Starts a framework's program; `exit` is how it ended, `output` what it wrote until then. */
async function start(t, name, { wrapped, flags = [], env = {} }) {
  const cwd = prepare(name)
  const port = await freePort()
  const node = [process.execPath, ...flags, ...FRAMEWORKS[name].start]
  const [command, ...rest] = wrapped ? [AYE, 'wrap', '--', ...node] : node
  const child = spawn(command, rest, {
    cwd,
    env: environment({ PORT: String(port), NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1', ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const started = { child, port, output: '', exit: once(child, 'close') }
  const keep = (text) => { started.output += text }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep)
  t.after(() => child.kill('SIGKILL'))
  return started
}

async function answers(port) {
  const response = await fetch(`http://localhost:${port}/`)
  assert.equal(response.status, 200)
  assert.match(await response.text(), /hello/)
}

/** How it ends at SIGTERM when it is left to itself; that it is up can only be seen by asking again and again. */
async function endsAlone(t, name) {
  const one = await start(t, name, {})
  for (;;) {
    try {
      await answers(one.port)
      break
    } catch (error) {
      if (error.cause === undefined || one.child.exitCode !== null) throw new Error(`${name}: ${error}\n${one.output}`)
      await setTimeout(50)
    }
  }
  one.child.kill()
  return one.exit
}

for (const name of Object.keys(FRAMEWORKS)) {
  let alone

  test(`${name} ends at SIGTERM by itself`, async (t) => {
    alone = await endsAlone(t, name)
    assert.ok([0, 128 + constants.signals.SIGTERM].includes(alone[0]) || alone[1] === 'SIGTERM', String(alone))
  })

  overEach(`${name} says READY, answers, beats, says STOPPING, and ends as it does by itself`, async (t, how) => {
    const { socket, next: heard } = await receiver(t)
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' }
    const started = await start(t, name, { ...how, flags: ['--import', AUTO], env })
    const { child, port, exit } = started
    const early = exit.then(() => ({ text: `nothing, it has ended:\n${started.output}` }))
    const next = () => Promise.race([heard(), early])
    const first = await next()
    assert.match(first.text, new RegExp(`^READY=1\\nSTATUS=listening on (\\[[:\\d]+\\]|[.\\d]+):${port}$`))
    assert.equal(first.pid, child.pid)
    await answers(port)
    for (let beat = 0; beat < 4; beat++) assert.equal((await next()).text, 'WATCHDOG=1')

    child.kill()
    let last
    do last = (await heard()).text
    while (last === 'WATCHDOG=1')
    assert.equal(last, 'STOPPING=1')
    assert.deepEqual(await exit, alone)
  })
}
