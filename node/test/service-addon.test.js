'use strict'

// What only the addon can do, over each transport: barriers, descriptors by their numbers, and all of it in a thread.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { has, overEach, receiver, service } = require('./support/service.js')

overEach('has a barrier end at its deadline while the manager is busy, and the event loop turn on', async (t, how) => {
  const { socket, child: manager } = await receiver(t)
  manager.kill('SIGSTOP')
  const { said, exit } = service(t, `
    const { setTimeout } = require('node:timers/promises')
    say(await Promise.all([aye.barrier(50), aye.barrier(0)]))
    let done = false
    const patient = aye.barrier(60_000).finally(() => { done = true })
    for (let turn = 0; turn < 10; turn++) await setTimeout(1)
    say(done)
    say(await patient)`, { socket, ...how })
  assert.deepEqual(await said(), [false, false])
  assert.equal(await said(), false)
  manager.kill('SIGCONT')
  assert.equal(await said(), true)
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

overEach('warns once of a descriptor that is not open', async (t, how) => {
  const { socket } = await receiver(t)
  const { said, exit } = service(t, 'say([aye.storeFd(999, "gone"), aye.storeFd(999, "gone")])', { socket, ...how })
  assert.deepEqual(await said(), [false, false])
  const { stderr } = await exit
  assert.equal(stderr.match(/AyeWarning/g).length, 1)
  assert.match(stderr, /\[AYE_SEND\] AyeWarning: messages .* EBADF/)
})

overEach('knows by a barrier that everything sent before has been read', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t, `
    aye.ready('up')
    say(await Promise.all([aye.barrier(), aye.barrier(60_000)]))`, { socket, ...how })
  assert.deepEqual(await said(), [true, true])
  for (const [text, fds] of [['READY=1\nSTATUS=up', 0], ['BARRIER=1', 1], ['BARRIER=1', 1]]) {
    const datagram = await next()
    assert.deepEqual([datagram.text, datagram.fds], [text, fds])
  }
  assert.deepEqual(await exit, { status: 0, stderr: '' })
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

overEach('leaks no descriptor of the notify socket into child processes', async (t, how) => {
  const { socket } = await receiver(t)
  const { said } = service(t, `
    const { readdirSync, readlinkSync } = require('node:fs')
    const { spawnSync } = require('node:child_process')
    const target = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd) } catch { return '' } }
    const sockets = () => readdirSync('/proc/self/fd').map(target).filter((link) => link.startsWith('socket:'))
    const before = new Set(sockets())
    say([aye.ready(), await aye.barrier()])
    const own = aye.transport === 'fd' ? [target(3)] : sockets().filter((link) => !before.has(link))
    const child = spawnSync('ls', ['-l', '/proc/self/fd'], { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })
    say([own.length, own[0].startsWith('socket:'), child.stdout.includes('->'), child.stdout.includes(own[0])])`,
  { socket, ...how })
  assert.deepEqual(await said(), [true, true])
  assert.deepEqual(await said(), [1, true, true, false])
})

if (has('descriptor')) test('leaves the descriptor in the mode in which it was passed', async (t) => {
  const { socket } = await receiver(t)
  const { said } = service(t, `
    const { readFileSync } = require('node:fs')
    const flags = () => readFileSync('/proc/self/fdinfo/3', 'latin1').match(/flags:.*/)[0]
    const before = flags()
    say([aye.transport, aye.storeFd(1, 'out'), await aye.barrier()])
    say([before, flags()])`, { socket })
  assert.deepEqual(await said(), ['fd', true, true])
  const [before, after] = await said()
  assert.equal(after, before)
})
