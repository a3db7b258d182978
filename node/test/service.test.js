'use strict'

// Real datagrams, from a process started as a unit would start it to a receiver that reports what arrived and from whom.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { test } = require('node:test')

const { receiver, service } = require('./support/service.js')

const WARNING = /\[AYE_NO_TRANSPORT\] AyeWarning: /g
const count = (text, pattern) => [...text.matchAll(pattern)].length

test('returns false without a word where there is no service manager', async (t) => {
  const { said, exit } = service(t, `
    say([aye.transport, aye.ready('up'), aye.status('s'), aye.reloading(), aye.stopping(), aye.notify({ X_A: 1 }),
      aye.watchdog.start(), aye.watchdog.ping(), aye.watchdog.stop(), aye.listenFds()])`, { wrapped: false })
  assert.deepEqual(await said(), [null, false, false, false, false, false, false, false, false, []])
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

test('throws a TypeError of wrong arguments, with and without a service manager', async (t) => {
  const code = `
    const wrong = [() => aye.status(), () => aye.status(1), () => aye.ready(null), () => aye.stopping({}),
      () => aye.reloading(5n), () => aye.notify(), () => aye.notify({ a: 1 }), () => aye.listenFds(3)]
    say(wrong.map((call) => { try { call(); return 'nothing' } catch (error) { return error.name } }))`
  const { socket } = await receiver(t)
  for (const { said } of [service(t, code, { wrapped: false }), service(t, code, { socket })]) {
    assert.deepEqual(await said(), Array(8).fill('TypeError'))
  }
})

for (const [variable, env] of [['NOTIFY_SOCKET', {}], ['WATCHDOG_USEC', { NOTIFY_SOCKET: undefined, WATCHDOG_USEC: '2000000' }]]) {
  test(`warns once, with the remedy, when there is ${variable} but no descriptor`, async (t) => {
    const { said, exit } = service(t, 'say([aye.transport, aye.ready(), aye.ready(), aye.watchdog.start()])',
      { socket: '/run/systemd/notify', env, wrapped: false })
    assert.deepEqual(await said(), [null, false, false, false])
    const { status, stderr } = await exit
    assert.equal(status, 0)
    assert.equal(count(stderr, WARNING), 1, stderr)
    assert.match(stderr, /OpenFile=\/run\/systemd\/notify:notify .*aye wrap -- /)
  })
}

test('does not touch a descriptor that was passed to its parent, and names the parent', async (t) => {
  const { socket, next } = await receiver(t)
  const { said, pid, exit } = service(t, 'say([aye.transport, aye.ready(), aye.listenFds()])',
    { socket, setup: '"$@"; printf "X_LAST=1" >&2; exit' })
  assert.deepEqual(await said(), [null, false, []])
  const { stderr } = await exit
  assert.equal(count(stderr, WARNING), 1, stderr)
  assert.match(stderr, new RegExp(`started process ${pid} .* let ExecStart= start node itself`))
  await nothingArrives(t, socket, next)
})

/** What was sent before arrives before: a marker from a second service proves that the first one sent nothing. */
async function nothingArrives(t, socket, next) {
  await service(t, 'aye.notify({ X_MARKER: 1 })', { socket }).exit
  assert.equal((await next()).text, 'X_MARKER=1')
}

for (const [what, setup, expected] of [
  ['is a file', 'exec 3</dev/null', /descriptor 3, named notify, is not a socket/],
  ['is closed and its number taken by Node itself', 'exec 3>&-', /descriptor 3, named notify, is not a socket/],
  ['is closed', 'export LISTEN_FDS=99 LISTEN_FDNAMES="notify$(printf %98s | tr " " :)"', /is not open/],
  ['has no matching name', 'export LISTEN_FDNAMES=notify:http', /2 names, LISTEN_FDS says 1/],
]) {
  test(`warns and sends nothing when the descriptor ${what}`, async (t) => {
    const { socket, next } = await receiver(t)
    const { said, exit } = service(t, 'say([aye.transport, aye.ready(), aye.status("s")])', { socket, setup })
    assert.deepEqual(await said(), [null, false, false])
    const { stderr } = await exit
    assert.equal(count(stderr, WARNING), 1, stderr)
    assert.match(stderr, expected)
    await nothingArrives(t, socket, next)
  })
}

test('warns once and returns false when the service manager has gone away', async (t) => {
  const { socket, next, gone } = await receiver(t)
  const { child, said, exit } = service(t, `
    say(aye.ready())
    process.stdin.once('data', () => { say([aye.status('s'), aye.stopping(), aye.watchdog.ping()]); process.stdin.destroy() })`, { socket })
  assert.equal(await said(), true)
  assert.equal((await next()).text, 'READY=1')
  await gone()
  child.stdin.write('go')
  assert.deepEqual(await said(), [false, false, false])
  const { status, stderr } = await exit
  assert.equal(status, 0)
  assert.equal(count(stderr, /\[AYE_SEND\] AyeWarning: /g), 1, stderr)
  assert.match(stderr, /ECONNREFUSED/)
})

test('waits for a busy service manager with READY=1 on a descriptor in O_NONBLOCK', async (t) => {
  const { socket, next, child: manager } = await receiver(t)
  manager.kill('SIGSTOP')
  // dd sets the flag on the open file that it shares with the descriptor of the service.
  const setup = 'dd if=/dev/null oflag=nonblock status=none >&3'
  const { said, exit } = service(t, `
    let sent = 0
    while (aye.watchdog.ping()) sent++
    say({ sent, status: aye.status('lost') })
    say(aye.ready('after the jam'))`, { socket, setup })
  const { sent, status } = await said()
  assert.ok(sent > 0)
  assert.equal(status, false)
  manager.kill('SIGCONT')
  assert.equal(await said(), true)
  for (let beat = 0; beat < sent; beat++) assert.equal((await next()).text, 'WATCHDOG=1')
  assert.equal((await next()).text, 'READY=1\nSTATUS=after the jam')
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

test('sends each message as one datagram, from its own process', async (t) => {
  const { socket, next } = await receiver(t)
  const { said, pid, exit } = service(t, `
    say([aye.transport, aye.status('warming up 40%'), aye.ready('listening on 3000'), aye.ready(),
      aye.notify({ EXTEND_TIMEOUT_USEC: 5_000_000n, X_FLAG: true }), aye.status(''), aye.stopping('draining')])`, { socket })
  assert.deepEqual(await said(), ['fd', true, true, true, true, true, true])
  const texts = ['STATUS=warming up 40%', 'READY=1\nSTATUS=listening on 3000', 'READY=1',
    'EXTEND_TIMEOUT_USEC=5000000\nX_FLAG=1', 'STATUS=', 'STOPPING=1\nSTATUS=draining']
  for (const text of texts) {
    const datagram = await next()
    assert.deepEqual([datagram.text, datagram.pid, datagram.fds], [text, pid, 0])
  }
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

test('keeps a line break in a status from becoming another assignment', async (t) => {
  const { socket, next } = await receiver(t)
  service(t, String.raw`aye.status('loading\nREADY=1\rSTOPPING=1')`, { socket })
  assert.deepEqual((await next()).assignments, [['STATUS', 'loading READY=1 STOPPING=1']])
})

test('sends a reload with the time of CLOCK_MONOTONIC, between two readings of another process', async (t) => {
  const { socket, next } = await receiver(t)
  const now = () => process.hrtime.bigint() / 1000n
  const before = now()
  const { said } = service(t, `say(aye.reloading('rereading'))`, { socket })
  assert.equal(await said(), true)
  const [, usec] = (await next()).text.match(/^RELOADING=1\nMONOTONIC_USEC=(\d+)\nSTATUS=rereading$/)
  // Where it has to be taken from the uptime it is up to a hundredth of a second ahead, see lib/clock.js.
  const after = now() + 10_000n
  assert.ok(before <= BigInt(usec) && BigInt(usec) <= after, `${before} ${usec} ${after}`)
})

test('hands over a message of the full 4096 bytes', async (t) => {
  const { socket, next } = await receiver(t)
  service(t, `aye.status('x'.repeat(9999))`, { socket })
  const { text } = await next()
  assert.equal(Buffer.byteLength(text), 4096)
})

test('beats from one timer, at half the timeout, however often it is started, until it is stopped', async (t) => {
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
    say([watchdog.start(), watchdog.start(), watchdog.start()])`, { socket, env: { WATCHDOG_USEC: '20000' } })
  assert.deepEqual(await said(), [true, true, true])
  assert.deepEqual(await said(), [true, false, [10]])
  for (let beat = 0; beat < 4; beat++) assert.equal((await next()).text, 'WATCHDOG=1')
  assert.equal((await next()).text, 'X_STOPPED=1')
})

test('ends although the watchdog runs', async (t) => {
  const { socket, next } = await receiver(t)
  const { exit } = service(t, 'aye.watchdog.start()', { socket, env: { WATCHDOG_USEC: '3600000000' } })
  assert.deepEqual(await exit, { status: 0, stderr: '' })
  assert.equal((await next()).text, 'WATCHDOG=1')
})

test('warns of a WATCHDOG_USEC that is garbage and runs on', async (t) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t, 'say([aye.watchdog.start(), aye.watchdog.start(), aye.ready()])',
    { socket, env: { WATCHDOG_USEC: 'soon' } })
  assert.deepEqual(await said(), [false, false, true])
  assert.equal((await next()).text, 'READY=1')
  assert.equal(count((await exit).stderr, /\[AYE_WATCHDOG\] AyeWarning: WATCHDOG_USEC .*'soon'/g), 1)
})

test('leaves the heartbeat to the process that WATCHDOG_PID names', async (t) => {
  const { socket, next } = await receiver(t)
  const { said } = service(t, 'say([aye.watchdog.start(), aye.ready()])',
    { socket, env: { WATCHDOG_USEC: '20000', WATCHDOG_PID: '1' } })
  assert.deepEqual(await said(), [false, true])
  assert.equal((await next()).text, 'READY=1')
})

test('leaves the environment as it found it', async (t) => {
  const { socket } = await receiver(t)
  const { said, pid } = service(t, `
    aye.ready(); aye.listenFds(); aye.watchdog.start()
    say(Object.fromEntries(Object.entries(process.env).filter(([key]) => /^(LISTEN|NOTIFY|WATCHDOG)_/.test(key))))`,
  { socket, env: { WATCHDOG_USEC: '3600000000' } })
  const { LISTEN_PIDFDID: _, ...found } = await said()
  assert.deepEqual(found,
    { LISTEN_FDS: '1', LISTEN_PID: String(pid), LISTEN_FDNAMES: 'notify', NOTIFY_SOCKET: socket, WATCHDOG_USEC: '3600000000' })
})

test('gives the listening descriptors by name, without the notify socket', async (t) => {
  const { socket, next } = await receiver(t)
  const setup = 'exec 4<&3 3</dev/null; export LISTEN_FDS=2 LISTEN_FDNAMES=http:notify'
  const { said } = service(t, `say([aye.listenFds(), aye.listenFds('http'), aye.listenFds('notify'), aye.ready()])`, { socket, setup })
  const http = { fd: 3, name: 'http' }
  assert.deepEqual(await said(), [[http], [http], [], true])
  assert.equal((await next()).text, 'READY=1')
})

test('gives away no copy that a caller could spoil', async (t) => {
  const { said } = service(t, `
    aye.listenFds().pop()
    say([aye.listenFds().length, Object.isFrozen(aye.listenFds()[0])])`,
  { wrapped: false, setup: 'exec 3</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$' })
  assert.deepEqual(await said(), [1, true])
})

test('does not leak the descriptor into child processes', async (t) => {
  const { socket } = await receiver(t)
  const { said } = service(t, `
    const { readlinkSync } = require('node:fs')
    const { spawnSync } = require('node:child_process')
    const own = readlinkSync('/proc/self/fd/3')
    const child = spawnSync('ls', ['-l', '/proc/self/fd'], { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })
    say([own.startsWith('socket:'), child.stdout.includes('->'), child.stdout.includes(own)])`, { socket })
  assert.deepEqual(await said(), [true, true, false])
})

test('has no transport in a cluster worker, which is another process', async (t) => {
  const { socket, next } = await receiver(t)
  const subject = join(__dirname, 'support/cluster.js')
  const { said, pid, exit } = service(t, '', { socket, subject })
  const worker = await said()
  assert.deepEqual(worker, { role: 'worker', transport: null, ready: false, listenFds: [] })
  assert.deepEqual(await said(), { role: 'primary', transport: 'fd', ready: true })
  const datagram = await next()
  assert.deepEqual([datagram.text, datagram.pid], ['READY=1', pid])
  assert.match((await exit).stderr, new RegExp(`AYE_NO_TRANSPORT.*started process ${pid} `))
})

test('works in a worker thread, which is the same process', async (t) => {
  const { socket, next } = await receiver(t)
  const { said, pid } = service(t, `
    const { Worker } = require('node:worker_threads')
    const code = 'const aye = require(process.argv[2]); require("node:worker_threads").parentPort.postMessage([aye.transport, aye.ready()])'
    new Worker(code, { eval: true, argv: [require.resolve('../..')] }).once('message', say)`, { socket })
  assert.deepEqual(await said(), ['fd', true])
  const datagram = await next()
  assert.deepEqual([datagram.text, datagram.pid], ['READY=1', pid])
})
