'use strict'

// What the addon does over real sockets, and what it says when it cannot.

const assert = require('node:assert/strict')
const { closeSync, openSync } = require('node:fs')
const { constants } = require('node:os')
const { test } = require('node:test')

const { receiver } = require('./support/service.js')
const { native, bytes, worker } = require('./support/native.js')

const { EAGAIN, EBADF, ECONNREFUSED, E2BIG, ENOTCONN, ETIMEDOUT } = constants.errno
const HEARTBEAT = bytes('WATCHDOG=1')

/** Sends heartbeats to a receiver that reads none, until its queue is full; how many there are in it. */
function fill(connection) {
  let sent = 0
  for (;;) {
    const errno = native.send(connection, HEARTBEAT, false)
    if (errno !== 0) return { sent, errno }
    sent++
  }
}

test('refuses what is no address, in the words of aye', () => {
  for (const [address, reason] of [
    ['run/notify', 'expected an absolute path, @NAME or vsock:CID:PORT'],
    ['', 'it is too short for a socket address'],
    ['/a\0b', 'it holds a NUL byte'],
    ['vsock:2', 'expected vsock:CID:PORT with a numeric port'],
  ]) {
    const message = `cannot reach the notify socket ${address.replace('\0', '?')}: ${reason}`
    assert.throws(() => native.open(address), { name: 'Error', message })
  }
  assert.throws(() => native.open(`/${'a'.repeat(107)}`), /: it is longer than the 107 bytes that a socket address holds$/)
  assert.throws(() => native.open(`/${'\u{1f600}'.repeat(10_000)}`), /^Error: cannot reach the notify socket \/\u{1f600}+: it is longer/u)
})

test('refuses where nobody listens, in the words of aye', () => {
  for (const address of ['/nonexistent/notify', '@nobody-listens-here']) {
    assert.throws(() => native.open(address), { name: 'Error', message: new RegExp(`^cannot reach the notify socket ${address}: .*service manager`) })
  }
})

test('throws a TypeError for arguments of other types, and goes on', async (t) => {
  const { socket, next } = await receiver(t)
  const connection = native.open(socket)
  const values = [undefined, null, true, 'text', {}, () => {}, Symbol('x'), 10n, new Proxy({}, {})]
  const wrong = (call) => assert.throws(call, { name: 'TypeError', message: /^\w+ takes an? / })
  for (const value of [...values, 1]) {
    if (typeof value !== 'string') wrong(() => native.open(value))
    wrong(() => native.send(value, HEARTBEAT, true))
    wrong(() => native.send(connection, value, true))
    if (typeof value !== 'boolean') wrong(() => native.send(connection, HEARTBEAT, value))
    wrong(() => native.sendWithFds(value, HEARTBEAT, new Int32Array(1)))
    wrong(() => native.sendWithFds(connection, HEARTBEAT, value))
    wrong(() => native.barrier(value, 1))
  }
  for (const value of [...values, -1, NaN, -Infinity]) wrong(() => native.barrier(connection, value))
  for (const value of [...values, -1, 0.5, NaN, Infinity, 2 ** 31, 2 ** 32]) wrong(() => native.adopt(value))
  wrong(() => native.send(connection, new Int8Array(1), true))
  wrong(() => native.send(connection, new DataView(new ArrayBuffer(1)), true))
  wrong(() => native.sendWithFds(connection, HEARTBEAT, new Uint32Array(1)))
  for (const call of Object.values(native).slice(0, 5)) wrong(call)
  assert.equal(native.send(connection, bytes('READY=1'), true), 0)
  assert.equal((await next()).text, 'READY=1')
})

test('over a path: bytes arrive as they are, under this process', async (t) => {
  const { socket, next } = await receiver(t)
  const connection = native.open(socket)
  assert.equal(native.send(connection, bytes('STATUS=gr\u00fcn\nX_A=1'), true), 0)
  assert.equal(native.send(connection, Buffer.from('xREADY=1x').subarray(1, 8), false), 0)
  assert.equal(native.send(connection, new Uint8Array(new SharedArrayBuffer(8)).subarray(8), false), 0)
  const { text, pid } = await next()
  assert.deepEqual([text, pid], ['STATUS=gr\u00fcn\nX_A=1', process.pid])
  assert.equal((await next()).text, 'READY=1')
  assert.equal((await next()).text, '')
})

test('over an abstract name', async (t) => {
  const { next, socket } = await receiver(t, { socket: `@aye-addon-${process.pid}` })
  assert.equal(native.send(native.open(socket), bytes('READY=1'), true), 0)
  assert.equal((await next()).text, 'READY=1')
})

test('over a copy of a descriptor, which its owner can close', async (t) => {
  assert.throws(() => native.adopt(9999), { name: 'Error', message: 'cannot copy the descriptor: it is not open' })
  const file = openSync('/dev/null')
  const connection = native.adopt(file)
  closeSync(file)
  assert.equal(native.send(connection, HEARTBEAT, true), constants.errno.ENOTSOCK)
})

test('descriptors arrive with their message', async (t) => {
  const { socket, next } = await receiver(t)
  const connection = native.open(socket)
  assert.equal(native.sendWithFds(connection, bytes('FDSTORE=1'), Int32Array.of(0, 1, 2)), 0)
  assert.equal(native.sendWithFds(connection, bytes('FDSTORE=1'), new Int32Array(253)), 0)
  assert.equal(native.sendWithFds(connection, bytes('FDSTORE=1'), new Int32Array(0)), 0)
  assert.deepEqual([(await next()).fds, (await next()).fds, (await next()).fds], [3, 253, 0])
})

test('what the kernel refuses is its errno', async (t) => {
  const { socket, gone } = await receiver(t)
  const connection = native.open(socket)
  assert.equal(native.sendWithFds(connection, HEARTBEAT, Int32Array.of(0, -1)), EBADF)
  assert.equal(native.sendWithFds(connection, HEARTBEAT, Int32Array.of(9999)), EBADF)
  assert.equal(native.sendWithFds(connection, HEARTBEAT, new Int32Array(254)), E2BIG)
  assert.equal(native.sendWithFds(connection, HEARTBEAT, new Int32Array(100_000)), E2BIG)
  await gone()
  assert.equal(native.send(connection, HEARTBEAT, true), ECONNREFUSED)
  // The kernel says so once, and takes the connection apart (unix_dgram_sendmsg of af_unix.c).
  assert.equal(native.send(connection, HEARTBEAT, false), ENOTCONN)
  assert.equal(native.sendWithFds(connection, HEARTBEAT, Int32Array.of(0)), ENOTCONN)
  assert.equal(await native.barrier(connection, 10_000), ENOTCONN)
})

test('a full queue is said, or waited out', async (t) => {
  const { socket, next, child } = await receiver(t)
  const connection = native.open(socket)
  child.kill('SIGSTOP')
  const { sent, errno } = fill(connection)
  assert.equal(errno, EAGAIN)
  const { said, thread } = worker(t, socket, `say('about to'); say([
    native.send(connection, bytes('READY=1'), true), native.sendWithFds(connection, bytes('FDSTORE=1'), Int32Array.of(0))])`)
  assert.equal(await said, 'about to')
  const results = new Promise((resolve) => thread.once('message', resolve))
  child.kill('SIGCONT')
  const texts = []
  for (let index = 0; index < sent + 2; index++) texts.push((await next()).text)
  assert.deepEqual(texts, [...Array(sent).fill('WATCHDOG=1'), 'READY=1', 'FDSTORE=1'])
  assert.deepEqual(await results, [0, 0])
})

test('a barrier is complete when all before it was read, and the loop turns meanwhile', async (t) => {
  const { socket, next, child } = await receiver(t)
  const connection = native.open(socket)
  child.kill('SIGSTOP')
  assert.equal(native.send(connection, bytes('READY=1'), true), 0)
  const barrier = native.barrier(connection, 60_000)
  let complete = false
  barrier.then(() => { complete = true })
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  assert.equal(complete, false)
  child.kill('SIGCONT')
  assert.equal(await barrier, 0)
  assert.deepEqual([(await next()).text, (await next()).text], ['READY=1', 'BARRIER=1'])
})

test('a barrier ends at its deadline, also where the queue has no room for it', async (t) => {
  const { socket, child } = await receiver(t)
  const connection = native.open(socket)
  child.kill('SIGSTOP')
  assert.equal(await native.barrier(connection, 20), ETIMEDOUT)
  assert.equal(await native.barrier(connection, 0), ETIMEDOUT)
  fill(connection)
  assert.equal(await native.barrier(connection, 20), ETIMEDOUT)
})
