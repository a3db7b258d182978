'use strict'

// What becomes of connections and barriers when whoever has them ends: descriptors are closed, and nothing crashes.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { test } = require('node:test')

const { receiver } = require('./support/service.js')
const { native, bytes, collected, sockets, worker } = require('./support/native.js')

test('a connection that is collected is closed', async (t) => {
  const { socket } = await receiver(t)
  const before = sockets()
  for (let index = 0; index < 50; index++) native.open(socket)
  assert.ok(sockets() > before, 'some are open')
  await collected(() => sockets() === before)
})

test('a barrier keeps its connection open, and its external need not be kept', async (t) => {
  const { socket, child } = await receiver(t)
  const before = sockets()
  child.kill('SIGSTOP')
  const barrier = native.barrier(native.open(socket), 60_000)
  for (let round = 0; round < 5; round++) native.open(socket)
  await collected(() => sockets() === before + 1)
  child.kill('SIGCONT')
  assert.equal(await barrier, 0)
  await collected(() => sockets() === before)
})

test('twenty threads at once, each with its own: nothing is lost, and nothing stays open', async (t) => {
  const { socket, next } = await receiver(t)
  const before = sockets()
  const threads = Array.from({ length: 20 }, (_, index) => worker(t, socket, `
    for (let count = 0; count < 10; count++) {
      const sent = native.send(native.open(${JSON.stringify(socket)}), bytes('X_THREAD=${index}'), true)
      if (sent !== 0) throw new Error('errno ' + sent)
    }
    say(await native.barrier(connection, 60_000))`))
  const heard = {}
  let barriers = 0
  while (barriers < 20) {
    const { text } = await next()
    if (text === 'BARRIER=1') barriers++
    else heard[text] = (heard[text] ?? 0) + 1
  }
  assert.deepEqual(await Promise.all(threads.map(({ said }) => said)), Array(20).fill(0))
  assert.deepEqual(await Promise.all(threads.map(({ ended }) => ended)), Array(20).fill(0))
  assert.deepEqual(heard, Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`X_THREAD=${index}`, 10])))
  assert.equal(sockets(), before)
})

test('a thread that ends while a barrier is pending ends when that does', async (t) => {
  const { socket, child } = await receiver(t)
  const before = sockets()
  child.kill('SIGSTOP')
  const { said, ended, thread } = worker(t, socket, `native.barrier(connection, 300).then(say); say('pending')`)
  assert.equal(await said, 'pending')
  thread.terminate()
  assert.equal(await ended, 1)
  assert.equal(sockets(), before)
})

for (const [how, code] of Object.entries({ 'comes to its end': '', 'calls process.exit': 'process.exit(0)', 'throws': 'throw 1' })) {
  test(`a process that ${how} while a barrier is pending does not crash`, async (t) => {
    const { socket, child } = await receiver(t)
    child.kill('SIGSTOP')
    const path = require.resolve(`../prebuilds/linux-${process.arch}.node`)
    const source = `const native = require(process.argv[1])
      native.barrier(native.open(process.argv[2]), 100).then((errno) => console.log(errno))\n${code}`
    const { status, signal, stdout } = spawnSync(process.execPath, ['-e', source, path, socket], { encoding: 'utf8' })
    const expected = { '': [0, null, '110\n'], 'process.exit(0)': [0, null, ''], 'throw 1': [1, null, ''] }
    assert.deepEqual([status, signal, stdout], expected[code])
  })
}

test('an addon that only threads load stays where it is when they have ended', async (t) => {
  const { socket, next } = await receiver(t)
  const source = `
    const { once } = require('node:events')
    const { Worker } = require('node:worker_threads')
    const code = \`const native = require(\${JSON.stringify(process.argv[1])})
      const connection = native.open(\${JSON.stringify(process.argv[2])})
      native.send(connection, Buffer.from('READY=1'), true)\`
    ;(async () => {
      for (let round = 0; round < 3; round++) await once(new Worker(code, { eval: true }), 'exit')
    })()`
  const path = require.resolve(`../prebuilds/linux-${process.arch}.node`)
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', source, path, socket], { encoding: 'utf8' })
  assert.deepEqual([status, signal, stderr], [0, null, ''])
  for (let round = 0; round < 3; round++) assert.equal((await next()).text, 'READY=1')
})
