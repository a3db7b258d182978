'use strict'

// What may be stored and under which name, and the numbers that servers and sockets have, with real ones.

const assert = require('node:assert/strict')
const dgram = require('node:dgram')
const { once } = require('node:events')
const { readFileSync, readlinkSync } = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { assignments, checkName, descriptorOf } = require('../lib/store.js')

const loopback = { port: 0, host: '127.0.0.1' }

async function listening(t, server = net.createServer()) {
  await once(server.listen(loopback), 'listening')
  t.after(() => server.close())
  return server
}

async function bound(t) {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  return socket
}

/** The socket that is on a port, by proc_pid_net(5): addresses are the second field, inodes the tenth. */
function inodeOn(table, port) {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync(`/proc/net/${table}`, 'latin1').split('\n').map((line) => line.trim().split(/\s+/))
  return `socket:[${rows.find(([, local]) => local?.endsWith(hex))[9]}]`
}

/** What the number that is found for it is open on. */
function targetOf(what) {
  return readlinkSync(`/proc/self/fd/${descriptorOf(what)}`)
}

for (const name of ['a:b', 'é', 'a\nREADY=1', '\t', '\x7f', 'x'.repeat(256), 5, null, undefined]) {
  test(`refuses ${JSON.stringify(name)?.slice(0, 20)} as a name`, () => {
    assert.throws(() => assignments(name), { name: 'TypeError' })
    assert.throws(() => checkName('removeFd', name), { name: 'TypeError' })
  })
}

for (const options of [null, 5, 'poll', { poll: 0 }, { poll: null }]) {
  test(`refuses ${JSON.stringify(options)} as options`, () => {
    assert.throws(() => assignments('http', options), { name: 'TypeError', message: /^storeFd takes / })
  })
}

for (const what of [undefined, null, -1, 1.5, 2 ** 31, NaN, '3', 3n, {}, [], () => 3, { _handle: { fd: 3 } }]) {
  test(`refuses to store ${typeof what} ${typeof what === 'object' ? JSON.stringify(what) : String(what)}`, () => {
    assert.throws(() => descriptorOf(what), { name: 'TypeError', message: /^storeFd takes / })
  })
}

test('refuses a server that does not listen, before and after', async (t) => {
  const says = { name: 'TypeError', message: /takes a server that listens: call it in the callback of listen\(\)/ }
  assert.throws(() => descriptorOf(net.createServer()), says)
  const server = net.createServer().listen(loopback)
  await once(server, 'listening')
  server.close()
  assert.throws(() => descriptorOf(server), says)
})

test('refuses a socket that is not connected', () => {
  const says = { name: 'TypeError', message: /takes a socket that is connected/ }
  assert.throws(() => descriptorOf(new net.Socket()), says)
})

test('refuses a datagram socket that is not bound, before and after', async () => {
  const says = { name: 'TypeError', message: /takes a socket that is bound: call it in the callback of bind\(\)/ }
  const socket = dgram.createSocket('udp4')
  assert.throws(() => descriptorOf(socket), says)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.close()
  assert.throws(() => descriptorOf(socket), says)
})

test('has no number for what a runtime gives none, as for a server that a cluster\'s primary listens for', () => {
  const server = net.createServer()
  server._handle = { close() {} }
  assert.equal(descriptorOf(server), null)
})

test('finds the socket of a server by which it listens, of http, too', async (t) => {
  for (const server of [await listening(t), await listening(t, http.createServer())]) {
    assert.equal(targetOf(server), inodeOn('tcp', server.address().port))
  }
})

test('finds the socket of a connection', async (t) => {
  const { port } = (await listening(t)).address()
  const socket = net.connect({ ...loopback, port })
  await once(socket, 'connect')
  t.after(() => socket.destroy())
  assert.equal(targetOf(socket), inodeOn('tcp', socket.localPort))
})

test('finds the socket of a datagram socket, without the warning that _handle gives', async (t) => {
  const warnings = []
  process.on('warning', (warning) => warnings.push(warning))
  const socket = await bound(t)
  assert.equal(targetOf(socket), inodeOn('udp', socket.address().port))
  await new Promise(setImmediate)
  assert.deepEqual(warnings, [])
})

test('takes a number as it is', () => assert.equal(descriptorOf(3), 3))

test('says what systemd is to do with it', () => {
  assert.deepEqual(assignments('http'), [['FDSTORE', '1'], ['FDNAME', 'http']])
  assert.deepEqual(assignments('', { poll: true }), [['FDSTORE', '1'], ['FDNAME', '']])
  assert.deepEqual(assignments('~ !9;x', { poll: false }), [['FDSTORE', '1'], ['FDNAME', '~ !9;x'], ['FDPOLL', '0']])
})
