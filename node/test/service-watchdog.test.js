'use strict'

// Heartbeats of a real process to a real receiver, over each transport: from when to when they come.

const assert = require('node:assert/strict')

const { overEach, receiver, service } = require('./support/service.js')

const count = (text, pattern) => [...text.matchAll(pattern)].length

overEach('warns of a WATCHDOG_USEC that is garbage and runs on', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t, `
    const { start, interval } = aye.watchdog
    say([start(), start(), interval, aye.ready()])`,
    { socket, env: { WATCHDOG_USEC: 'soon' }, ...how })
  assert.deepEqual(await said(), [false, false, null, true])
  assert.equal((await next()).text, 'READY=1')
  assert.equal(count((await exit).stderr, /\[AYE_WATCHDOG\] AyeWarning: WATCHDOG_USEC .*'soon'/g), 1)
})

overEach('leaves the heartbeat to the process that WATCHDOG_PID names, and says which that is', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t, 'say([aye.watchdog.start(), aye.watchdog.interval, aye.ready()])',
    { socket, env: { WATCHDOG_USEC: '20000', WATCHDOG_PID: String(process.pid) }, ...how })
  assert.deepEqual(await said(), [false, null, true])
  assert.equal((await next()).text, 'READY=1')
  assert.equal(count((await exit).stderr, /\[AYE_NOT_MAIN\] AyeWarning: the service manager started process \d+, /g), 1)
})

overEach('beats from one timer, at half the timeout, however often it is started', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { said } = service(t, `
    const { watchdog } = aye
    const original = setInterval
    const delays = []
    let beats = 0
    globalThis.setInterval = (beat, delay) => {
      delays.push(delay)
      return original(() => {
        beat()
        if (++beats === 3) {
          say([watchdog.stop(), watchdog.stop(), delays])
          aye.notify({ X_STOPPED: 1 })
          process.stdin.destroy()
        }
      }, delay)
    }
    process.stdin.resume()
    const { start, interval } = watchdog
    say([start(), start(), start(), interval])`, { socket, env: { WATCHDOG_USEC: '20000' }, ...how })
  assert.deepEqual(await said(), [true, true, true, 10])
  assert.deepEqual(await said(), [true, false, [10]])
  for (let beat = 0; beat < 4; beat++) assert.equal((await next()).text, 'WATCHDOG=1')
  assert.equal((await next()).text, 'X_STOPPED=1')
})

overEach('ends although the watchdog runs', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { exit } = service(t, 'aye.watchdog.start()', { socket, env: { WATCHDOG_USEC: '3600000000' }, ...how })
  assert.deepEqual(await exit, { status: 0, stderr: '' })
  assert.equal((await next()).text, 'WATCHDOG=1')
})

overEach('beats on through a shutdown, to the end of the process', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { child, said, exit } = service(t, `
    process.once('SIGTERM', () => aye.stopping('draining'))
    process.stdin.once('data', () => process.stdin.destroy())
    say(aye.watchdog.start())`, { socket, env: { WATCHDOG_USEC: '20000' }, ...how })
  assert.equal(await said(), true)
  child.kill('SIGTERM')
  let text
  do ({ text } = await next())
  while (text === 'WATCHDOG=1')
  assert.equal(text, 'STOPPING=1\nSTATUS=draining')
  for (let beat = 0; beat < 5; beat++) assert.equal((await next()).text, 'WATCHDOG=1')
  child.stdin.write('go')
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

overEach('holds heartbeats back while a gate fails, and sends them again when it passes', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { child, said, exit } = service(t, `
    let asked = 0
    let well = false
    const database = async () => {
      if (!well && ++asked === 5) {
        aye.notify({ X_HELD: asked })
        well = true
      }
      return well
    }
    say(aye.watchdog.start({ gates: [database] }))
    process.stdin.once('data', () => process.stdin.destroy())`, { socket, env: { WATCHDOG_USEC: '20000' }, ...how })
  assert.equal(await said(), true)
  assert.equal((await next()).text, 'X_HELD=5')
  for (let beat = 0; beat < 3; beat++) assert.equal((await next()).text, 'WATCHDOG=1')
  child.stdin.write('go')
  const held = /\[AYE_GATE\] AyeWarning: gate database gave false; heartbeats are held back/g
  assert.equal(count((await exit).stderr, held), 1)
})

overEach('stops beating when the event loop is blocked', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { said } = service(t, `
    say(aye.watchdog.start())
    setTimeout(() => {
      aye.notify({ X_BLOCKED: 1 })
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
      aye.notify({ X_FREE: 1 })
    }, 30)`, { socket, env: { WATCHDOG_USEC: '20000' }, ...how })
  assert.equal(await said(), true)
  let text
  do ({ text } = await next())
  while (text === 'WATCHDOG=1')
  assert.deepEqual([text, (await next()).text], ['X_BLOCKED=1', 'X_FREE=1'])
})

overEach('beats in a worker thread', async (t, how, transport) => {
  const { socket, next } = await receiver(t)
  const { said, pid } = service(t, `
    const { Worker } = require('node:worker_threads')
    const code = 'const aye = require(process.argv[2]); const { parentPort } = require("node:worker_threads");' +
      'parentPort.once("message", () => {}); parentPort.postMessage([aye.transport, aye.watchdog.start()])'
    new Worker(code, { eval: true, argv: [require.resolve('../..')] }).once('message', say)`,
  { socket, env: { WATCHDOG_USEC: '20000' }, ...how })
  assert.deepEqual(await said(), [transport, true])
  for (let beat = 0; beat < 4; beat++) {
    const datagram = await next()
    assert.deepEqual([datagram.text, datagram.pid], ['WATCHDOG=1', pid])
  }
})
