'use strict'

// Descriptors of a real process: those it was passed, those it stores, and the one that makes a barrier.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { test } = require('node:test')

const { overEach, receiver, service } = require('./support/service.js')

test('gives the listening descriptors by name, without the notify socket', async (t) => {
  const { socket, next } = await receiver(t)
  const setup = 'exec 4<&3 3</dev/null; export LISTEN_FDS=2 LISTEN_FDNAMES=http:notify'
  const { said } = service(t, `say([aye.transport, aye.listenFds(), aye.listenFds('http'), aye.listenFds('notify'), aye.ready()])`,
    { socket, setup })
  const http = { fd: 3, name: 'http' }
  assert.deepEqual(await said(), ['fd', [http], [http], [], true])
  assert.equal((await next()).text, 'READY=1')
})

test('gives away no copy that a caller could spoil', async (t) => {
  const { said } = service(t, `
    aye.listenFds().pop()
    say([aye.listenFds().length, Object.isFrozen(aye.listenFds()[0])])`,
  { wrapped: false, setup: 'exec 3</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$' })
  assert.deepEqual(await said(), [1, true])
})

overEach('leaks no descriptor of the notify socket into child processes', async (t, how) => {
  const { socket } = await receiver(t)
  const { said } = service(t, `
    const { readdirSync, readlinkSync } = require('node:fs')
    const { spawnSync } = require('node:child_process')
    const links = () => readdirSync('/proc/self/fd').map((fd) => { try { return readlinkSync('/proc/self/fd/' + fd) } catch { return '' } })
    const before = new Set(links())
    say([aye.ready(), await aye.barrier()])
    const own = aye.transport === 'fd' ? [readlinkSync('/proc/self/fd/3')] : links().filter((link) => link.startsWith('socket:') && !before.has(link))
    const child = spawnSync('ls', ['-l', '/proc/self/fd'], { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })
    say([own.length, own.every((link) => link.startsWith('socket:')), child.stdout.includes('->'), own.some((link) => child.stdout.includes(link))])`,
  { socket, ...how })
  assert.deepEqual(await said(), [true, true])
  assert.deepEqual(await said(), [1, true, true, false])
})

overEach('knows by a barrier that everything sent before has been read', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t, `aye.ready('up'); say(await Promise.all([aye.barrier(), aye.barrier(60_000)]))`, { socket, ...how })
  assert.deepEqual(await said(), [true, true])
  for (const [text, fds] of [['READY=1\nSTATUS=up', 0], ['BARRIER=1', 1], ['BARRIER=1', 1]]) {
    const datagram = await next()
    assert.deepEqual([datagram.text, datagram.fds], [text, fds])
  }
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

overEach('has a barrier end at its deadline while the manager is busy, with the event loop free meanwhile', async (t, how) => {
  const { socket, child: manager } = await receiver(t)
  manager.kill('SIGSTOP')
  const { said, exit } = service(t, `
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    const results = await Promise.all([aye.barrier(50), aye.barrier(0)])
    clearInterval(timer)
    say([results, turns > 5])`, { socket, ...how })
  assert.deepEqual(await said(), [[false, false], true])
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

overEach('gives the manager the very descriptors of a server, a connection and a datagram socket, under their names', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t, `
    const { readlinkSync } = require('node:fs')
    const { once } = require('node:events')
    const net = require('node:net')
    const dgram = require('node:dgram')
    const target = (fd) => readlinkSync('/proc/self/fd/' + fd)
    const server = net.createServer((peer) => peer.end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const connection = net.connect(server.address().port, '127.0.0.1')
    await once(connection, 'connect')
    const datagrams = dgram.createSocket('udp4').bind(0, '127.0.0.1')
    await once(datagrams, 'listening')
    say([aye.storeFd(server, 'http'), aye.storeFd(connection, '', { poll: false }), aye.storeFd(datagrams, 'a b', { poll: true }),
      aye.storeFd(1, 'out')])
    const state = Object.getOwnPropertySymbols(datagrams).map((symbol) => datagrams[symbol]).find((one) => one?.handle)
    say([server._handle.fd, connection._handle.fd, state.handle.fd, 1].map(target))
    connection.destroy()
    server.close()
    datagrams.close()`, { socket, ...how })
  assert.deepEqual(await said(), [true, true, true, true])
  const texts = ['FDSTORE=1\nFDNAME=http', 'FDSTORE=1\nFDNAME=\nFDPOLL=0', 'FDSTORE=1\nFDNAME=a b', 'FDSTORE=1\nFDNAME=out']
  const targets = await said()
  assert.equal(new Set(targets).size, 4, targets.join())
  for (const [at, text] of texts.entries()) {
    const datagram = await next()
    assert.deepEqual([datagram.text, datagram.targets], [text, [targets[at]]])
  }
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

overEach('warns once of a descriptor that is not open', async (t, how) => {
  const { socket } = await receiver(t)
  const { said, exit } = service(t, 'say([aye.storeFd(999, "gone"), aye.storeFd(999, "gone")])', { socket, ...how })
  assert.deepEqual(await said(), [false, false])
  assert.match((await exit).stderr, /^[^\n]*\[AYE_SEND\] AyeWarning: [^\n]* EBADF[^\n]*\n[^\n]*\n$/)
})

test('stores nothing of a server that a cluster\'s primary listens for, and says so; the worker speaks for itself', async (t) => {
  const { socket, next } = await receiver(t)
  const subject = join(__dirname, 'support/cluster.js')
  const { said, pid, exit } = service(t, '', { socket, subject, setup: 'export SYSTEMD_EXEC_PID=$$' })
  const worker = await said()
  assert.deepEqual(worker, { role: 'worker', pid: worker.pid, transport: 'addon', ready: true, listenFds: [], stored: false })
  assert.deepEqual(await said(), { role: 'primary', transport: 'fd', ready: true })
  for (const sender of [worker.pid, pid]) {
    const datagram = await next()
    assert.deepEqual([datagram.text, datagram.pid], ['READY=1', sender])
  }
  const { stderr } = await exit
  assert.match(stderr, new RegExp(`${worker.pid}\\) \\[AYE_NOT_MAIN\\] .*started process ${pid}, this is process ${worker.pid}, .* in the primary`))
  assert.match(stderr, /\[AYE_NO_FD\] AyeWarning: nothing is stored as 'http': .* its cluster's primary listens for/)
  assert.ok(!stderr.includes(`${pid}) [AYE`), stderr)
})

overEach('works in a worker thread, which is the same process', async (t, how, transport) => {
  const { socket, next } = await receiver(t)
  const { said, pid, exit } = service(t, `
    const { Worker } = require('node:worker_threads')
    const code = 'const aye = require(process.argv[2]); const { parentPort } = require("node:worker_threads");' +
      '(async () => parentPort.postMessage([aye.transport, aye.ready(), aye.storeFd(1, "out"), await aye.barrier()]))()'
    new Worker(code, { eval: true, argv: [require.resolve('../..')] }).once('message', say)`, { socket, ...how })
  assert.deepEqual(await said(), [transport, true, true, true])
  for (const text of ['READY=1', 'FDSTORE=1\nFDNAME=out', 'BARRIER=1']) {
    const datagram = await next()
    assert.deepEqual([datagram.text, datagram.pid], [text, pid])
  }
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})
