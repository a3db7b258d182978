'use strict'

// aye/auto in real processes: what is said, and when, for a program that knows nothing of systemd. Its cluster is in
// auto-cluster.test.js, and the frameworks are in auto-frameworks.test.js.

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { mkdtempSync, rmSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')

const { format, matches } = require('../lib/auto/address.js')
const { isMain, mark } = require('../lib/auto/role.js')
const { AUTO, program } = require('./auto/program.js')
const { AYE, environment, overEach, receiver } = require('./support/service.js')

const LOOPBACK = /^READY=1\nSTATUS=listening on 127\.0\.0\.1:\d+$/
const LISTEN = `const server = require('node:net').createServer().listen(0, '127.0.0.1')`
const HERE = JSON.stringify(AUTO)
// Closes two turns of the loop after it listens: by then READY is said, however long a turn takes.
const BRIEF = `${LISTEN}; server.once('listening', () => setImmediate(setImmediate, () => server.close()))`
const SILENT = { status: 0, stderr: '' }

for (const [what, env] of [
  ['another process that the manager started', { SYSTEMD_EXEC_PID: '41' }],
  ['another process in all they say', { SYSTEMD_EXEC_PID: '41', LISTEN_PID: '41', WATCHDOG_PID: '41' }],
  ['its parent, which left its mark', { AYE_AUTO_PID: '41' }],
]) {
  test(`takes a process for a stranger when its variables name ${what}`, () => assert.equal(isMain(env, 42), false))
}

test('takes a process for the main one when a variable names it, or none names anyone', () => {
  const all = [{}, { SYSTEMD_EXEC_PID: '42' }, { SYSTEMD_EXEC_PID: '7', LISTEN_PID: '42' }, { WATCHDOG_PID: '42' }]
  for (const env of all) {
    assert.equal(isMain(env, 42), true, JSON.stringify(env))
  }
})

test('leaves its mark for its children only where they would find no other', () => {
  const bare = {}
  const told = { SYSTEMD_EXEC_PID: '42' }
  mark(bare, 42)
  mark(told, 42)
  assert.deepEqual([bare, told], [{ AYE_AUTO_PID: '42' }, { SYSTEMD_EXEC_PID: '42' }])
})

for (const [where, text] of [
  [null, 'a descriptor'],
  [{}, 'a descriptor'],
  ['', 'an unnamed socket'],
  ['/run/app.sock', '/run/app.sock'],
  ['\0app', '@app'],
  [{ address: '127.0.0.1', family: 'IPv4', port: 3000 }, '127.0.0.1:3000'],
  [{ address: '::', family: 'IPv6', port: 3000 }, '[::]:3000'],
  [{ address: null, port: 3000, addressType: 4, fd: undefined }, '*:3000'],
  [{ address: '/run/app.sock', port: -1, addressType: -1 }, '/run/app.sock'],
  [{ address: null, port: null, addressType: null, fd: 3 }, 'descriptor 3'],
]) {
  test(`says '${text}' of ${JSON.stringify(where)}`, () => assert.equal(format(where), text))
}

test('knows the server that is asked for by its port or its path', () => {
  const tcp = { address: '::', port: 3000 }
  const path = { address: '/run/a', port: -1 }
  const wrong = [[tcp, '300'], [tcp, '::'], ['/run/a', '/run/b'], [path, '-1'], [path, '/run/b'], [null, '3000']]
  const right = [[tcp, '3000'], ['/run/a', '/run/a'], [path, '/run/a'], [tcp, undefined], [null, ''], [path, '']]
  for (const one of wrong) assert.equal(matches(...one), false, JSON.stringify(one))
  for (const one of right) assert.equal(matches(...one), true, JSON.stringify(one))
})

test('loads nothing and touches nothing where there is no service manager', async (t) => {
  const { said, exit } = await program(t, `
    const loaded = Object.keys(require.cache).filter((path) => !path.includes('/test/'))
    say([loaded.map((path) => path.split('/').pop()), process.listenerCount('SIGTERM'), process.env.AYE_AUTO_PID ?? null])`,
  { wrapped: false, env: { NOTIFY_SOCKET: undefined } })
  assert.deepEqual(await said(), [['auto.js'], 0, null])
  assert.deepEqual(await exit, SILENT)
})

overEach('does not say READY for a port that is in use, but for the next one that is tried', async (t, how) => {
  const taken = net.createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address()
  const { next, child } = await program(t, `
    const server = require('node:http').createServer()
    server.on('error', ({ code }) => { say(code); setTimeout(() => server.listen(0, '127.0.0.1'), 20) })
    server.listen(${port}, '127.0.0.1')`, how)
  const text = await next()
  assert.match(text, LOOPBACK)
  assert.doesNotMatch(text, new RegExp(`:${port}$`))
  child.kill()
})

test('does not say READY for a server that only looks whether a port is free', async (t) => {
  const { exit, nothing } = await program(t, `
    const probe = require('node:net').createServer().listen(0, () => { say(probe.address().port); probe.close() })`)
  assert.deepEqual(await exit, SILENT)
  await nothing()
})

test('does not say READY for the server of a thread', async (t) => {
  const { exit, said, nothing } = await program(t, `
    const { Worker } = require('node:worker_threads')
    new Worker(${JSON.stringify(`require(${HERE}); ${BRIEF}`)}, { eval: true }).on('exit', say)`)
  assert.equal(await said(), 0)
  assert.deepEqual(await exit, SILENT)
  await nothing()
})

for (const [what, env] of [['the environment', {}], ['SYSTEMD_EXEC_PID of another', { SYSTEMD_EXEC_PID: '1' }]]) {
  overEach(`does nothing and says nothing in a child that inherits ${what}, though it listens`, async (t, how) => {
    const { exit, said, nothing } = await program(t, `
      const code = ${JSON.stringify(`${BRIEF}; server.on('close', () => console.log(process.listenerCount('SIGTERM')))`)}
      const child = require('node:child_process').spawn(process.execPath, ['-e', code], { stdio: 'inherit' })
      child.on('exit', say)`, { ...how, env })
    assert.equal(await said(), 0)
    assert.equal(await said(), 0)
    assert.deepEqual(await exit, SILENT)
    await nothing()
  })
}

overEach('sends nothing before a server listens: neither heartbeats nor, at SIGTERM, STOPPING', async (t, how) => {
  const { exit, said, child, nothing } = await program(t, `setTimeout(say, 100, 'waited'); setInterval(() => {}, 1000)`,
    { ...how, env: { WATCHDOG_USEC: '20000' } })
  assert.equal(await said(), 'waited')
  child.kill()
  assert.deepEqual(await exit, { status: 'SIGTERM', stderr: '' })
  await nothing()
})

test('says nothing when the program has ended by itself, which systemd sees', async (t) => {
  const { next, exit, nothing } = await program(t, BRIEF)
  assert.match(await next(), LOOPBACK)
  assert.deepEqual(await exit, SILENT)
  await nothing()
})

for (const [what, code, status] of [
  ['net', LISTEN, LOOPBACK],
  ['http', `require('node:http').createServer().listen(0, '127.0.0.1')`, LOOPBACK],
  ['http2', `require('node:http2').createServer().listen(0, '127.0.0.1')`, LOOPBACK],
  ['tls', `require('node:tls').createServer().listen(0, '127.0.0.1')`, LOOPBACK],
  ['IPv6', `require('node:net').createServer().listen(0, '::1')`, /^READY=1\nSTATUS=listening on \[::1\]:\d+$/],
  ['every address', `require('node:net').createServer().listen(0)`, /^READY=1\nSTATUS=listening on \[::\]:\d+$/],
]) {
  overEach(`says READY and the address when a server listens: ${what}`, async (t, how) => {
    const { next, child, manager } = await program(t, code, how)
    assert.match(await next(), status)
    child.kill()
    assert.equal((await manager.next()).pid, child.pid)
  })
}

test('says READY and the path when a server listens on a unix socket', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'aye-auto-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'app.sock')
  const { next, child } = await program(t, `require('node:http').createServer().listen(${JSON.stringify(path)})`)
  assert.equal(await next(), `READY=1\nSTATUS=listening on ${path}`)
  child.kill()
})

test('says READY and the address when a server listens on a descriptor that was passed', async (t) => {
  const { socket, next } = await receiver(t)
  const passed = net.createServer().listen(0, '127.0.0.1')
  await once(passed, 'listening')
  t.after(() => passed.close())
  const code = BRIEF.replace(/listen\(.*?\)/, 'listen({ fd: 3 })')
  const wrapped = [AYE, 'wrap', '--', process.execPath, '-r', AUTO, '-e', code]
  const child = spawn('sh', ['-c', 'export LISTEN_PID=$$; exec "$@"', 'sh', ...wrapped], {
    env: environment({ NOTIFY_SOCKET: socket, LISTEN_FDS: '1', LISTEN_FDNAMES: 'http' }),
    stdio: ['ignore', 'inherit', 'inherit', passed._handle.fd],
  })
  const exit = once(child, 'exit')
  assert.equal((await next()).text, `READY=1\nSTATUS=listening on 127.0.0.1:${passed.address().port}`)
  assert.deepEqual(await exit, [0, null])
})

test('waits for the server that AYE_READY_ON names', async (t) => {
  const free = net.createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address()
  await once(free.close(), 'close')
  const { next, child } = await program(t, `
    const { createServer } = require('node:net')
    createServer().listen(0, '127.0.0.1', () => setTimeout(() => createServer().listen(${port}, '127.0.0.1'), 50))`,
  { env: { AYE_READY_ON: String(port) } })
  assert.equal(await next(), `READY=1\nSTATUS=listening on 127.0.0.1:${port}`)
  child.kill()
})

const MODULE = `import { createRequire } from 'node:module'; const require = createRequire(${HERE});`
for (const [what, flags, preamble] of [
  ['--import', ['--import', AUTO], ''],
  ['-r', ['-r', AUTO], ''],
  ['require in the program', [], `require(${HERE});`],
  ['import in the program', ['--input-type=module'], `import ${HERE}; ${MODULE}`],
  ['its name in the package', [], `require('node:module').createRequire(${HERE})('aye/auto');`],
]) {
  test(`works by ${what}`, async (t) => {
    const { socket, next } = await receiver(t)
    const code = `${preamble} ${BRIEF}`
    const { status, stderr } = spawnSync(AYE, ['wrap', '--', process.execPath, ...flags, '-e', code],
      { env: environment({ NOTIFY_SOCKET: socket }), encoding: 'utf8' })
    assert.deepEqual({ status, stderr }, SILENT)
    assert.match((await next()).text, LOOPBACK)
  })
}

overEach('beats from READY on, at half the timeout', async (t, how) => {
  const { next, child } = await program(t, LISTEN, { ...how, env: { WATCHDOG_USEC: '40000' } })
  assert.match(await next(), LOOPBACK)
  for (let beat = 0; beat < 5; beat++) assert.equal(await next(), 'WATCHDOG=1')
  child.kill()
})

// What comes after this comes when the program is up.
const LATER = `await new Promise((resolve) => setTimeout(resolve, 50)); setImmediate(say, 'later');`

/** Sends SIGTERM to a program that is up, and then another one if it goes on. */
async function terminate(t, how, code, again = false) {
  const { next, child, exit, said, nothing } = await program(t, `${LISTEN}; ${code}`, how)
  assert.match(await next(), LOOPBACK)
  if (code.includes(LATER)) assert.equal(await said(), 'later')
  child.kill()
  assert.equal(await next(), 'STOPPING=1')
  const first = again ? await said() : undefined
  if (again) child.kill()
  const { status, stderr } = await exit
  await nothing()
  return { status, stderr, said: first ?? await said() }
}

for (const [what, code, expected, again] of [
  ['ends by the signal, as without it, when the program has no listener', '', { status: 'SIGTERM' }],
  ['leaves the end to a listener of the program', `process.on('SIGTERM', () => process.exit(3))`, { status: 3 }],
  ['leaves the end to one that was put before all others',
    `process.prependListener('SIGTERM', () => process.exit(3))`, { status: 3 }],
  ['leaves the end to one that is added when the program is up',
    `${LATER} process.on('SIGTERM', () => server.close())`, { status: 0 }],
  ['leaves the end to one that is called once',
    `process.once('SIGTERM', () => setTimeout(process.exit, 20, 3))`, { status: 3 }],
  ['leaves the end to one that is put before it and called once',
    `${LATER} process.prependOnceListener('SIGTERM', () => setTimeout(process.exit, 20, 3))`, { status: 3 }],
  ['lets a program that removed its listener end by the signal',
    `const f = () => {}; process.on('SIGTERM', f); process.off('SIGTERM', f)`, { status: 'SIGTERM' }],
  ['is not among the listeners that a listener sees, so that one which is alone can end the process itself',
    `process.on('SIGTERM', () => {
      say(process.listenerCount('SIGTERM'))
      process.removeAllListeners('SIGTERM')
      process.kill(process.pid, 'SIGTERM')
    })`, { status: 'SIGTERM', said: 1 }],
  ['leaves a program that goes on as it is, and says STOPPING once', `
    let count = 0
    process.on('SIGTERM', () => { say(++count); if (count === 2) process.exit(4) })`, { status: 4, said: 1 }, true],
  ['has the second SIGTERM end the process when its only listener was called once',
    `process.once('SIGTERM', () => say('once'))`, { status: 'SIGTERM', said: 'once' }, true],
]) {
  overEach(`at SIGTERM says STOPPING and ${what}`, async (t, how) => {
    const { status, said, stderr } = await terminate(t, how, code, again)
    assert.deepEqual({ status, stderr }, { status: expected.status, stderr: '' })
    if ('said' in expected) assert.equal(said, expected.said)
  })
}

overEach('with AYE_DIAGNOSE=1 says in which function the loop is stuck', async (t, how) => {
  const { next, child } = await program(t, `
    process.once('SIGUSR2', () => require(${JSON.stringify(require.resolve('./diagnose/blocks.js'))}).parse())
    ${LISTEN}`, { ...how, env: { WATCHDOG_USEC: '1000000', AYE_DIAGNOSE: '1' } })
  assert.match(await next(), LOOPBACK)
  assert.equal(await next(), 'WATCHDOG=1')
  child.kill('SIGUSR2')
  let text
  do text = await next()
  while (text === 'WATCHDOG=1')
  assert.match(text, /^STATUS=event loop blocked \d\.\d s in parse /)
})
