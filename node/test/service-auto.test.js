'use strict'

// aye/auto in any runtime, over each transport: what a server's listening and SIGTERM are to Node are other things to
// Bun and Deno. All that does not depend on that is in auto.test.js.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const net = require('node:net')
const { join } = require('node:path')

const { program } = require('./auto/program.js')
const { overEach } = require('./support/service.js')

const FIRST = join(__dirname, 'auto/first.js')
const LISTEN = `const server = require('node:net').createServer().listen(0, '127.0.0.1')`
const UP = /^READY=1\nSTATUS=listening on 127\.0\.0\.1:\d+$/
const start = (t, how, code, env = {}) =>
  program(t, code, { ...how, subject: FIRST, env: { NODE_OPTIONS: undefined, ...env } })

const servers = {
  net: LISTEN,
  http: `require('node:http').createServer().listen(0, '127.0.0.1')`,
}
// Which one it is, only its program knows for sure; a path that misleads fails the test.
if (/\bbun\b/.test(process.env.AYE_TEST_RUNTIME)) {
  servers['Bun.serve'] = `Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('hello') })`
}
if (/\bdeno\b/.test(process.env.AYE_TEST_RUNTIME)) {
  servers['Deno.serve'] = `Deno.serve({ port: 0, hostname: '127.0.0.1', onListen() {} }, () => new Response('hello'))`
}

overEach('auto says READY for no server that fails to listen or is closed at once, but when one listens', async (t, how) => {
  const taken = net.createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const { next, said, child, exit } = await start(t, how, `
    const net = require('node:net')
    let tries = 0
    const server = net.createServer().on('listening', () => say([tries, server.address().port]))
    const listen = () => server.listen(${taken.address().port}, '127.0.0.1')
    server.on('error', () => setImmediate(() => {
      if (++tries < 12) return listen()
      const probe = net.createServer().listen(0, '127.0.0.1', () => probe.close())
      setTimeout(() => server.listen(0, '127.0.0.1'), 50)
    }))
    listen()`)
  const [tries, port] = await said()
  assert.equal(tries, 12)
  assert.equal(await next(), `READY=1\nSTATUS=listening on 127.0.0.1:${port}`)
  child.kill()
  assert.equal((await exit).stderr, '')
})

for (const [what, code] of Object.entries(servers)) {
  overEach(`auto says READY when a server of ${what} listens, beats, says STOPPING at SIGTERM, ends by it`, async (t, how) => {
    const { next, child, exit, nothing } = await start(t, how, code, { WATCHDOG_USEC: '100000' })
    assert.match(await next(), UP)
    for (let beat = 0; beat < 3; beat++) assert.equal(await next(), 'WATCHDOG=1')
    child.kill()
    let text
    do text = await next()
    while (text === 'WATCHDOG=1')
    assert.equal(text, 'STOPPING=1')
    assert.deepEqual(await exit, { status: 'SIGTERM', stderr: '' })
    await nothing()
  })
}

overEach('auto leaves the end of a program to its own listener of SIGTERM', async (t, how) => {
  const code = `process.once('SIGTERM', () => setTimeout(process.exit, 20, 3)); ${LISTEN}`
  const { next, child, exit } = await start(t, how, code)
  assert.match(await next(), UP)
  child.kill()
  assert.equal(await next(), 'STOPPING=1')
  assert.deepEqual(await exit, { status: 3, stderr: '' })
})

overEach('auto says READY when the workers of a cluster listen, and beats until one of them hangs', async (t, how) => {
  const { next, child, exit } = await start(t, how, `
    const cluster = require('node:cluster')
    const aye = require('../../index.js')
    if (cluster.isPrimary) {
      cluster.fork()
      const worker = cluster.fork()
      process.once('SIGUSR2', () => worker.send('hang'))
      worker.on('message', () => {
        aye.notify({ X_HANGS: 1 })
        setTimeout(() => { worker.process.kill('SIGKILL'); aye.notify({ X_KILLED: 1 }) }, 1000)
      })
    } else {
      // Longer than the primary lets it, but not for ever.
      const hang = () => { for (const end = Date.now() + 5000; Date.now() < end;); }
      process.once('message', () => process.send('hangs', hang))
      require('node:http').createServer().listen(0, '127.0.0.1')
    }`, { WATCHDOG_USEC: '100000' })
  assert.match(await next(), /^READY=1\nSTATUS=listening on (127\.0\.0\.1:\d+(, )?)+ \(2 workers\)$/)
  for (let beat = 0; beat < 4; beat++) assert.equal(await next(), 'WATCHDOG=1')
  child.kill('SIGUSR2')
  while (await next() !== 'X_HANGS=1');
  const held = []
  do held.push(await next())
  while (held.at(-1) !== 'X_KILLED=1')
  // The one that was under way: the worker may have answered it before it hung.
  assert.ok(held.length <= 2, `${held.length - 1} heartbeats in twenty times the time between them`)
  for (let beat = 0; beat < 4; beat++) assert.equal(await next(), 'WATCHDOG=1')
  child.kill()
  assert.match((await exit).stderr, /gate everyWorkerAnswers/)
})
