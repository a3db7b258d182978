'use strict'

// Deno keeps a table of descriptors of its own, in which the inherited ones and those of its servers are missing (seen
// with Deno 2.9), and asks before it loads an addon. Run by runtimes.mjs, with Deno as the process under test.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { RUNTIME, receiver, service } = require('../../support/service.js')
const { diagnosesNothing } = require('./diagnose.js')

diagnosesNothing(/only Node\.js can be asked/)

test('descriptor: goes over the addon, without a word, where it was passed one', async (t) => {
  const { socket, next } = await receiver(t)
  const { said, pid, exit } = service(t, 'say([aye.transport, aye.ready(), await aye.barrier()])', { socket })
  assert.deepEqual(await said(), ['addon', true, true])
  const datagram = await next()
  assert.deepEqual([datagram.text, datagram.pid], ['READY=1', pid])
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

test('descriptor: has no transport where it may not load the addon, and says once what to allow', async (t) => {
  const { socket } = await receiver(t)
  const { said, exit } = service(t, 'say([aye.transport, aye.ready(), aye.watchdog.start()])',
    { socket, runtime: RUNTIME.replace(' -A', ' --no-prompt --allow-read --allow-write --allow-env') })
  assert.deepEqual(await said(), [null, false, false])
  const { status, stderr } = await exit
  assert.equal(status, 0)
  assert.match(stderr, /^[^\n]*\[AYE_NO_TRANSPORT\] AyeWarning: [^\n]*--allow-ffi=\/[^\n]*3 is not open to this program \(Deno [^\n]*\n$/)
})

test('storeFd: stores nothing of a server and says so, and a number as any other runtime does', async (t) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t, `
    const server = require('node:net').createServer().listen(0, '127.0.0.1', () => {
      say([aye.storeFd(server, 'http'), aye.storeFd(1, 'out')])
      server.close()
    })`, { socket })
  assert.deepEqual(await said(), [false, true])
  const { text, fds } = await next()
  assert.deepEqual([text, fds], ['FDSTORE=1\nFDNAME=out', 1])
  const { status, stderr } = await exit
  assert.equal(status, 0)
  assert.match(stderr, /^[^\n]*\[AYE_NO_FD\] AyeWarning: nothing is stored as 'http': [^\n]*Deno [^\n]*\n$/)
})

test('listenFds: gives none and says so', async (t) => {
  const { said, exit } = service(t, 'say(aye.listenFds())',
    { wrapped: false, setup: 'exec 3</dev/null; export LISTEN_FDS=1 LISTEN_FDNAMES=http LISTEN_PID=$$' })
  assert.deepEqual(await said(), [])
  assert.match((await exit).stderr, /^[^\n]*\[AYE_LISTEN_FDS\] AyeWarning: [^\n]*3 is not open to this program \(Deno [^\n]*\n$/)
})

for (const [what, load] of [
  ['the package', ''],
  ['aye/auto', 'require("../../auto.js")'],
  ['aye/sd-notify', 'require("../../sd-notify.js").ready()'],
]) {
  test(`environment: does nothing and says nothing where it may not be read: ${what}`, async (t) => {
    const { socket, next } = await receiver(t)
    const { exit } = service(t, `${load}; console.log([aye.transport, aye.ready(), aye.watchdog.start(), aye.listenFds()])`,
      { socket, runtime: RUNTIME.replace(' -A', ' --no-prompt --allow-read --allow-ffi') })
    assert.deepEqual(await exit, { status: 0, stderr: '' })
    await service(t, 'aye.notify({ X_MARKER: 1 })', { socket }).exit
    assert.equal((await next()).text, 'X_MARKER=1')
  })
}

for (const [what, load, more] of [['the package', '', []], ['aye/auto', 'require("../../auto.js"); ', ['AYE_*']]]) {
  test(`environment: takes no more of it than what the service manager sets: ${what}`, async (t) => {
    const { socket, next } = await receiver(t)
    const variables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES',
      'SYSTEMD_EXEC_PID', ...more]
    const runtime = RUNTIME.replace(' -A', ` --no-prompt --allow-read --allow-ffi --allow-env=${variables}`)
    const { exit } = service(t, `${load}aye.ready()`, { socket, runtime })
    assert.deepEqual(await exit, { status: 0, stderr: '' })
    assert.equal((await next()).text, 'READY=1')
  })
}
