'use strict'

// Descriptors of a real process: those it was passed and those it stores.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { test } = require('node:test')

const { has, overEach, receiver, service } = require('./support/service.js')

if (has('descriptor')) test('gives the listening descriptors by name, without the notify socket', async (t) => {
  const { socket, next } = await receiver(t)
  const setup = 'exec 4<&3 3</dev/null; export LISTEN_FDS=2 LISTEN_FDNAMES=http:notify'
  const { said } = service(t, `
    const { listenFds } = aye
    say([aye.transport, listenFds(), listenFds('http'), listenFds('notify'), aye.ready()])`, { socket, setup })
  const http = { fd: 3, name: 'http' }
  assert.deepEqual(await said(), ['fd', [http], [http], [], true])
  assert.equal((await next()).text, 'READY=1')
})

if (has('listenFds')) test('gives away no copy that a caller could spoil', async (t) => {
  const { said } = service(t, `
    aye.listenFds().pop()
    say([aye.listenFds().length, Object.isFrozen(aye.listenFds()[0])])`,
  { wrapped: false, setup: 'exec 3</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$' })
  assert.deepEqual(await said(), [1, true])
})

if (has('storeFd')) overEach('stores the very descriptors of a server and of sockets, under their names', async (t, how) => {
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
    say([aye.storeFd(server, 'http'), aye.storeFd(connection, '', { poll: false }),
      aye.storeFd(datagrams, 'a b', { poll: true }), aye.storeFd(1, 'out')])
    const state = Object.getOwnPropertySymbols(datagrams).map((symbol) => datagrams[symbol]).find((one) => one?.handle)
    say([server._handle.fd, connection._handle.fd, state.handle.fd, 1].map(target))
    connection.destroy()
    server.close()
    datagrams.close()`, { socket, ...how })
  assert.deepEqual(await said(), [true, true, true, true])
  const texts = ['http', '\nFDPOLL=0', 'a b', 'out'].map((name) => `FDSTORE=1\nFDNAME=${name}`)
  const targets = await said()
  assert.equal(new Set(targets).size, 4, targets.join())
  for (const [at, text] of texts.entries()) {
    const datagram = await next()
    assert.deepEqual([datagram.text, datagram.targets], [text, [targets[at]]])
  }
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

if (has('storeFd')) overEach('stores an http server, of which Bun shows no descriptor and says so', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t, `
    const server = require('node:http').createServer()
    try { aye.storeFd(server, 'early') } catch (error) { say(error.name) }
    server.listen(0, '127.0.0.1', () => {
      say([aye.storeFd(server, 'http'), Boolean(process.versions.bun), aye.ready()])
      server.close()
    })`, { socket, ...how })
  assert.equal(await said(), 'TypeError')
  const [stored, bun, ready] = await said()
  assert.deepEqual([stored, ready], [!bun, true])
  if (stored) assert.deepEqual((await next()).assignments, [['FDSTORE', '1'], ['FDNAME', 'http']])
  assert.equal((await next()).text, 'READY=1')
  assert.equal((await exit).stderr.includes('[AYE_NO_FD] AyeWarning: nothing is stored as \'http\''), bun)
})

if (has('descriptor') && has('addon')) test('stores nothing of a server that the primary listens for, and says so', async (t) => {
  const { socket, next } = await receiver(t)
  const subject = join(__dirname, 'support/cluster.js')
  const { said, pid, exit } = service(t, '', { socket, subject, setup: 'export SYSTEMD_EXEC_PID=$$' })
  const worker = await said()
  const { pid: own } = worker
  assert.deepEqual(worker, { role: 'worker', pid: own, transport: 'addon', ready: true, listenFds: [], stored: false })
  assert.deepEqual(await said(), { role: 'primary', transport: 'fd', ready: true })
  for (const sender of [own, pid]) {
    const datagram = await next()
    assert.deepEqual([datagram.text, datagram.pid], ['READY=1', sender])
  }
  const { stderr } = await exit
  const says = `${own}\\) \\[AYE_NOT_MAIN\\] .*started process ${pid}, this is process ${own}, .* in the primary`
  assert.match(stderr, new RegExp(says))
  assert.match(stderr, /\[AYE_NO_FD\] AyeWarning: nothing is stored as 'http': .* its cluster's primary listens for/)
  assert.ok(!stderr.includes(`${pid}) [AYE`), stderr)
})
