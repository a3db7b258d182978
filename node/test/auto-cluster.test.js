'use strict'

// aye/auto in the primary of a cluster, and in its workers: real processes, and what the service manager hears of them.
// A worker that hangs is in service-auto.test.js, since it is to be held against every runtime.

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')

const { AUTO, program } = require('./auto/program.js')
const { overEach } = require('./support/service.js')

/**
 * A program whose primary runs `primary` and whose workers run `worker`; `listen(then)` is a server of the latter.
 * `tell(worker)` tells a worker what it waits for by `told(then)`, once it waits: Node 18 loses what comes earlier.
 */
const forked = (primary, worker) => `
  const cluster = require('node:cluster')
  const aye = () => require('../../index.js')
  const listen = (then) => require('node:http').createServer().listen(0, '127.0.0.1', then)
  const waits = new Map()
  const tell = (worker) => waits.get(worker).then(() => worker.send('go on'))
  const told = (then) => { process.once('message', then); process.send('waits') }
  if (cluster.isPrimary) {
    cluster.on('fork', (worker) => waits.set(worker, new Promise((heard) => worker.once('message', heard))))
    ${primary}
  } else { ${worker} }`

const UP = (workers) => new RegExp(`^READY=1\\nSTATUS=listening on 127\\.0\\.0\\.1:\\d+ \\(${workers}\\)$`)
const NODE = parseInt(process.versions.node)
const BEATING = { env: { WATCHDOG_USEC: '100000' } }

test('does not say READY while a worker does not listen yet', async (t) => {
  const { next, child } = await program(t, forked(`
    cluster.fork()
    const late = cluster.fork()
    cluster.on('listening', (worker) => {
      if (worker !== late) setTimeout(() => { aye().notify({ X_ONE: 1 }); tell(late) }, 100)
    })`, `
    if (cluster.worker.id === 1) listen()
    else told(() => listen())`))
  assert.equal(await next(), 'X_ONE=1')
  assert.match(await next(), UP('2 workers'))
  child.kill()
})

test('does not say READY for a server of the primary while its workers do not listen', async (t) => {
  const { next, child } = await program(t, forked(`
    const worker = cluster.fork()
    listen(() => setTimeout(() => { aye().notify({ X_PRIMARY: 1 }); tell(worker) }, 100))`,
  `told(() => listen())`))
  assert.equal(await next(), 'X_PRIMARY=1')
  assert.match(await next(), UP('1 worker'))
  child.kill()
})

test('waits for the replacement of a worker that died before it listened', async (t) => {
  const { next, child } = await program(t, forked(`
    cluster.fork()
    cluster.fork({ FATE: 'die' })
    cluster.on('exit', () => {
      const second = cluster.fork({ FATE: 'wait' })
      second.once('online', () => setTimeout(() => { aye().notify({ X_REPLACED: 1 }); tell(second) }, 100))
    })`, `
    if (process.env.FATE === 'die') process.exit(1)
    else if (process.env.FATE === 'wait') told(() => listen())
    else listen()`))
  assert.equal(await next(), 'X_REPLACED=1')
  assert.match(await next(), UP('2 workers'))
  child.kill()
})

test('does not wait for a worker that died before it listened and is not replaced', async (t) => {
  const { next, child } = await program(t, forked(`
    cluster.fork()
    const doomed = cluster.fork({ FATE: 'die' })
    cluster.on('listening', () => setTimeout(() => { aye().notify({ X_ALONE: 1 }); tell(doomed) }, 100))`, `
    if (process.env.FATE === 'die') told(() => process.exit(1))
    else listen()`))
  assert.equal(await next(), 'X_ALONE=1')
  assert.match(await next(), UP('1 worker'))
  child.kill()
})

test('never says READY when every worker has died', async (t) => {
  const { exit, nothing } = await program(t, forked(`cluster.fork(); cluster.fork()`, 'process.exit(1)'))
  assert.deepEqual(await exit, { status: 0, stderr: '' })
  await nothing()
})

test('counts a worker with several servers once, from its first one, and a datagram socket not at all', async (t) => {
  const { next, child } = await program(t, forked(`
    const worker = cluster.fork()
    cluster.on('listening', (_, { addressType }) => {
      if (addressType === 'udp4') setTimeout(() => { aye().notify({ X_UDP: 1 }); tell(worker) }, 50)
    })`, `
    require('node:dgram').createSocket('udp4').bind(0, '127.0.0.1')
    told(() => listen(() => listen()))`))
  assert.equal(await next(), 'X_UDP=1')
  assert.match(await next(), UP('1 worker'))
  child.kill()
  assert.equal(await next(), 'STOPPING=1')
})

for (const [what, primary] of [
  ['by turns', ''],
  ['by the kernel', 'cluster.schedulingPolicy = cluster.SCHED_NONE;'],
]) {
  overEach(`says READY once all workers listen, handing out connections ${what}, and ends by SIGTERM`, async (t, how) => {
    const code = forked(`${primary} cluster.fork(); cluster.fork()`, 'listen()')
    const { next, child, exit, nothing } = await program(t, code, how)
    assert.match(await next(), UP('2 workers'))
    child.kill()
    assert.equal(await next(), 'STOPPING=1')
    assert.deepEqual(await exit, { status: 'SIGTERM', stderr: '' })
    await nothing()
  })
}

test('goes on beating while a new worker starts, however long it blocks, and while one is leaving', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'aye-cluster-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { next, child } = await program(t, forked(`
    cluster.fork()
    const leaving = cluster.fork()
    process.once('SIGUSR2', () => {
      leaving.disconnect()
      cluster.fork({ UNTIL: '${folder}/on' }).once('listening', () => aye().notify({ X_STARTED: 1 }))
    })`, `
    if (process.env.UNTIL) while (!require('node:fs').existsSync(process.env.UNTIL));
    listen()`), BEATING)
  assert.match(await next(), UP('2 workers'))
  child.kill('SIGUSR2')
  for (let beat = 0; beat < 20; beat++) assert.equal(await next(), 'WATCHDOG=1')
  writeFileSync(join(folder, 'on'), '')
  while (await next() !== 'X_STARTED=1');
  child.kill()
})

// Node 18 loses it with any `--import` (an empty one, too), as the program runs after its worker has read the channel.
test('leaves to a worker what its primary says before the worker runs', async (t) => {
  const how = NODE < 20 ? '--require' : '--import'
  const { said, exit } = await program(t, forked(`
    const worker = cluster.fork()
    worker.send('early')
    worker.on('message', (message) => { if (message !== 'early') return; say(message); worker.disconnect() })`, `
    process.once('message', (message) => process.send(message))`), { env: { NODE_OPTIONS: `${how}=${AUTO}` } })
  assert.equal(await said(), 'early')
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

for (const serialization of ['json', 'advanced']) {
  test(`asks its workers without a word to the program's listeners, with messages as ${serialization}`, async (t) => {
    const { next, said, child } = await program(t, forked(`
      cluster.setupPrimary({ serialization: '${serialization}' })
      const heard = []
      cluster.on('message', (worker, message) => heard.push(message))
      const worker = cluster.fork()
      worker.on('message', (message) => { heard.push(message); if (message === 'tell') say(heard) })
      process.once('SIGUSR2', () => worker.send('tell'))`, `
      process.on('message', (message) => process.send(message))
      listen()`), BEATING)
    assert.match(await next(), UP('1 worker'))
    for (let beat = 0; beat < 6; beat++) assert.equal(await next(), 'WATCHDOG=1')
    child.kill('SIGUSR2')
    assert.deepEqual(await said(), ['tell', 'tell'])
    child.kill()
  })
}

test('asks nothing of a worker that has not loaded it, and beats all the same', async (t) => {
  const { next, child } = await program(t, forked(`cluster.fork({ NODE_OPTIONS: '' })`, 'listen()'), BEATING)
  assert.match(await next(), UP('1 worker'))
  for (let beat = 0; beat < 5; beat++) assert.equal(await next(), 'WATCHDOG=1')
  child.kill()
})

test('keeps no worker alive, and lets the primary end when they are gone', async (t) => {
  const { next, child, exit } = await program(t, forked(`
    const worker = cluster.fork()
    process.once('SIGUSR2', () => worker.disconnect())`, 'listen()'), BEATING)
  assert.match(await next(), UP('1 worker'))
  child.kill('SIGUSR2')
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})
