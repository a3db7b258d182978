'use strict'

// Real datagrams, from a process started as a unit would start it to a receiver that reports what arrived and from
// whom, over each transport.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { has, overEach, receiver, service } = require('./support/service.js')

const count = (text, pattern) => [...text.matchAll(pattern)].length

test('returns false without a word where there is no service manager', async (t) => {
  const { said, exit } = service(t, `
    say([aye.transport, aye.ready('up'), aye.status('s'), aye.reloading(), aye.stopping(), aye.notify({ X_A: 1 }),
      aye.mainPid(7), aye.errno('ENOENT'), aye.extendTimeout(5), await aye.extendTimeoutWhile(async () => 'rows'),
      await aye.barrier(), aye.storeFd(1, 'out'), aye.removeFd('out'), aye.listenFds()])
    const { start, ping, trigger, stop, interval } = aye.watchdog
    const gates = [() => { throw new Error('asked') }]
    say([start({ gates, diagnose: true }), ping(), trigger(), stop(), interval])`, { wrapped: false })
  assert.deepEqual(await said(), [null, ...Array(8).fill(false), 'rows', false, false, false, []])
  assert.deepEqual(await said(), [false, false, false, false, null])
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

test('throws a TypeError of wrong arguments, with and without a service manager', async (t) => {
  const code = `
    const wrong = [() => aye.status(), () => aye.status(1), () => aye.ready(null), () => aye.stopping({}),
      () => aye.reloading(5n), () => aye.notify(), () => aye.notify({ a: 1 }), () => aye.listenFds(3),
      () => aye.mainPid('7'), () => aye.mainPid(0), () => aye.mainPid(2 ** 31), () => aye.errno(),
      () => aye.extendTimeout(0), () => aye.extendTimeoutWhile(),
      () => aye.extendTimeoutWhile(async () => {}, 0), () => aye.barrier('5'), () => aye.watchdog.start({ gates: [5] }),
      () => aye.storeFd(), () => aye.storeFd(1), () => aye.storeFd(1, 'a:b'), () => aye.removeFd('a:b')]
    say(wrong.map((call) => { try { call(); return 'nothing' } catch (error) { return error.name } }))`
  const { socket } = await receiver(t)
  for (const { said } of [service(t, code, { wrapped: false }), service(t, code, { socket })]) {
    assert.deepEqual(await said(), Array(21).fill('TypeError'))
  }
})

overEach('warns once and returns false when the service manager has gone away', async (t, how) => {
  const { socket, next, gone } = await receiver(t)
  const { child, said, exit } = service(t, `
    say(aye.ready())
    process.stdin.once('data', async () => {
      say([aye.status('s'), aye.stopping(), aye.watchdog.ping(), aye.storeFd(1, 'out'), await aye.barrier()])
      process.stdin.destroy()
    })`, { socket, ...how })
  assert.equal(await said(), true)
  assert.equal((await next()).text, 'READY=1')
  await gone()
  child.stdin.write('go')
  assert.deepEqual(await said(), [false, false, false, false, false])
  const { status, stderr } = await exit
  assert.equal(status, 0)
  assert.equal(count(stderr, /\[AYE_SEND\] AyeWarning: /g), 1, stderr)
  assert.match(stderr, how.wrapped ? /ECONNREFUSED.*is it still running/ : /nobody listens there any more/)
})

if (has('addon')) test('finds the next service manager at the address of one that has gone away', async (t) => {
  const first = await receiver(t)
  const { child, said, exit } = service(t, `
    say(aye.ready())
    process.stdin.once('data', () => { say(aye.status('again')); process.stdin.destroy() })`,
  { socket: first.socket, wrapped: false })
  assert.equal(await said(), true)
  assert.equal((await first.next()).text, 'READY=1')
  await first.gone()
  const { next } = await receiver(t, first)
  child.stdin.write('go')
  assert.equal(await said(), true)
  assert.equal((await next()).text, 'STATUS=again')
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

overEach('waits for a busy service manager with READY=1, and not with what may be lost', async (t, how) => {
  const { socket, next, child: manager } = await receiver(t)
  manager.kill('SIGSTOP')
  // dd puts the open file that it shares with the descriptor of the service, if there is one, into O_NONBLOCK.
  const setup = how.wrapped ? 'dd if=/dev/null oflag=nonblock status=none >&3' : ''
  const { said, exit } = service(t, `
    let sent = 0
    while (aye.watchdog.ping()) sent++
    say({ sent, status: aye.status('lost') })
    say(aye.ready('after the jam'))`, { socket, setup, ...how })
  const { sent, status } = await said()
  assert.ok(sent > 0)
  assert.equal(status, false)
  manager.kill('SIGCONT')
  assert.equal(await said(), true)
  for (let beat = 0; beat < sent; beat++) assert.equal((await next()).text, 'WATCHDOG=1')
  assert.equal((await next()).text, 'READY=1\nSTATUS=after the jam')
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

overEach('sends each message as one datagram, from its own process', async (t, how, transport) => {
  const { socket, next } = await receiver(t)
  const { said, pid, exit } = service(t, `
    say([aye.transport, aye.status('warming up 40%'), aye.ready('listening on 3000'), aye.ready(),
      aye.notify({ EXTEND_TIMEOUT_USEC: 5_000_000n, X_FLAG: true }), aye.mainPid(process.pid), aye.errno('EADDRINUSE'),
      aye.extendTimeout(1500), aye.watchdog.trigger(), aye.removeFd('a\\\\b'),
      aye.status(''), aye.stopping('draining')])`, { socket, ...how })
  assert.deepEqual(await said(), [transport, ...Array(11).fill(true)])
  const texts = ['STATUS=warming up 40%', 'READY=1\nSTATUS=listening on 3000', 'READY=1',
    'EXTEND_TIMEOUT_USEC=5000000\nX_FLAG=1', `MAINPID=${pid}`, 'ERRNO=98', 'EXTEND_TIMEOUT_USEC=1500000',
    'WATCHDOG=trigger',
    'FDSTOREREMOVE=1\nFDNAME=a\\\\b', 'STATUS=', 'STOPPING=1\nSTATUS=draining']
  for (const text of texts) {
    const datagram = await next()
    assert.deepEqual([datagram.text, datagram.pid, datagram.fds], [text, pid, 0])
  }
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

overEach('keeps a line break in a status from becoming another assignment', async (t, how) => {
  const { socket, next } = await receiver(t)
  service(t, String.raw`aye.status('loading\nREADY=1\rSTOPPING=1')`, { socket, ...how })
  assert.deepEqual((await next()).assignments, [['STATUS', 'loading READY=1 STOPPING=1']])
})

overEach('sends a reload with the time of CLOCK_MONOTONIC, between two readings of another process', async (t, how) => {
  const { socket, next } = await receiver(t)
  const now = () => process.hrtime.bigint() / 1000n
  const before = now()
  const { said } = service(t, `say(aye.reloading('rereading'))`, { socket, ...how })
  assert.equal(await said(), true)
  const [, usec] = (await next()).text.match(/^RELOADING=1\nMONOTONIC_USEC=(\d+)\nSTATUS=rereading$/)
  // Where it has to be taken from the uptime it is up to a hundredth of a second ahead, see lib/clock.js.
  const after = now() + 10_000n
  assert.ok(before <= BigInt(usec) && BigInt(usec) <= after, `${before} ${usec} ${after}`)
})

overEach('hands over a message of the full 4096 bytes', async (t, how) => {
  const { socket, next } = await receiver(t)
  service(t, `aye.status('x'.repeat(9999))`, { socket, ...how })
  const { text } = await next()
  assert.equal(Buffer.byteLength(text), 4096)
})

overEach('asks for more time while a migration runs, and no more when it is done', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { child, said, exit } = service(t, `
    const migration = () => new Promise((resolve) => process.stdin.once('data', () => resolve('rows')))
    say(await aye.extendTimeoutWhile(migration, 20))
    aye.ready('migrated')
    process.stdin.destroy()`, { socket, ...how })
  for (let message = 0; message < 4; message++) assert.equal((await next()).text, 'EXTEND_TIMEOUT_USEC=20000')
  child.stdin.write('go')
  assert.equal(await said(), 'rows')
  let text
  do ({ text } = await next())
  while (text === 'EXTEND_TIMEOUT_USEC=20000')
  assert.equal(text, 'READY=1\nSTATUS=migrated')
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

overEach('ends although more time is asked for', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { exit } = service(t, 'aye.extendTimeoutWhile(new Promise(() => {}), 1000)', { socket, ...how })
  assert.deepEqual(await exit, { status: 0, stderr: '' })
  assert.equal((await next()).text, 'EXTEND_TIMEOUT_USEC=1000000')
})

overEach('leaves the environment as it found it', async (t, how) => {
  const { socket } = await receiver(t)
  const { said, pid } = service(t, `
    aye.ready(); aye.listenFds(); aye.watchdog.start()
    say(Object.fromEntries(Object.entries(process.env).filter(([key]) => /^(LISTEN|NOTIFY|WATCHDOG)_/.test(key))))`,
  { socket, env: { WATCHDOG_USEC: '3600000000' }, ...how })
  const { LISTEN_PIDFDID: _, ...found } = await said()
  const passed = how.wrapped ? { LISTEN_FDS: '1', LISTEN_PID: String(pid), LISTEN_FDNAMES: 'notify' } : {}
  assert.deepEqual(found, { ...passed, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '3600000000' })
})
