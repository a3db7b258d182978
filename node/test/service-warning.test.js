'use strict'

// What a real process says when its messages cannot be sent or will not be heard, and that it says nothing otherwise.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { has, overEach, receiver, service, withoutAddon } = require('./support/service.js')

const count = (text, code) => [...text.matchAll(new RegExp(`\\[${code}\\] AyeWarning: `, 'g'))].length

/** What was sent before arrives before: a marker from a second service proves that the first one sent nothing. */
async function nothingArrives(t, socket, next) {
  await service(t, 'aye.notify({ X_MARKER: 1 })', { socket }).exit
  assert.equal((await next()).text, 'X_MARKER=1')
}

if (has('addon')) test('warns once, with the remedy, when there is neither a descriptor nor an addon', async (t) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t, `
    say([aye.transport, aye.ready(), aye.ready(), aye.watchdog.start(), await aye.barrier()])`, {
    socket, env: { WATCHDOG_USEC: '2000000' }, wrapped: false, subject: withoutAddon(t) })
  assert.deepEqual(await said(), [null, false, false, false, false])
  const { status, stderr } = await exit
  assert.deepEqual([status, count(stderr, '\\w+'), count(stderr, 'AYE_NO_TRANSPORT')], [0, 1, 1], stderr)
  const remedy = `add the line OpenFile=${socket}:notify .*aye wrap -- `
  assert.match(stderr, new RegExp(`there is no addon for Linux on \\w+ at .*; .* ${remedy}`))
  await nothingArrives(t, socket, next)
})

test('warns once when there is a watchdog but no address', async (t) => {
  const { said, exit } = service(t, 'say([aye.transport, aye.watchdog.start(), aye.ready()])',
    { env: { WATCHDOG_USEC: '2000000' }, wrapped: false })
  assert.deepEqual(await said(), [null, false, false])
  const { stderr } = await exit
  assert.equal(count(stderr, 'AYE_NO_TRANSPORT'), 1, stderr)
  assert.match(stderr, /WATCHDOG_USEC is set, but NOTIFY_SOCKET is not/)
})

if (has('descriptor') && has('addon')) test('does without the addon over the descriptor, and says once what needs it', async (t) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t, `
    say([aye.transport, aye.ready(), await aye.barrier(), aye.storeFd(1, 'out'), aye.removeFd('out')])`,
  { socket, subject: withoutAddon(t) })
  assert.deepEqual(await said(), ['fd', true, false, false, true])
  for (const text of ['READY=1', 'FDSTOREREMOVE=1\nFDNAME=out']) assert.equal((await next()).text, text)
  const { stderr } = await exit
  assert.equal(count(stderr, 'AYE_NO_ADDON'), 1, stderr)
  assert.match(stderr, /barriers and stored descriptors need the addon: there is no addon for Linux on /)
})

for (const [what, setup, expected] of [
  ['is a file', 'exec 3</dev/null', /descriptor 3, named notify, is not a socket/],
  ['is closed and its number taken by Node itself', 'exec 3>&-', /descriptor 3, named notify, is not a socket/],
  ['is closed', 'export LISTEN_FDS=99 LISTEN_FDNAMES="notify$(printf %98s | tr " " :)"', /is not open/],
  ['has no matching name', 'export LISTEN_FDNAMES=notify:http', /2 names, LISTEN_FDS says 1/],
]) {
  if (has('descriptor')) test(`warns and sends nothing when the descriptor ${what} and there is no addon`, async (t) => {
    const { socket, next } = await receiver(t)
    const code = 'say([aye.transport, aye.ready(), aye.status("s")])'
    const { said, exit } = service(t, code, { socket, setup, subject: withoutAddon(t) })
    assert.deepEqual(await said(), [null, false, false])
    const { stderr } = await exit
    assert.equal(count(stderr, 'AYE_NO_TRANSPORT'), 1, stderr)
    assert.match(stderr, expected)
    await nothingArrives(t, socket, next)
  })

  if (has('addon')) test(`goes over the addon when the descriptor ${what}`, async (t) => {
    const { socket, next } = await receiver(t)
    const { said, exit } = service(t, 'say([aye.transport, aye.ready()])', { socket, setup })
    assert.deepEqual(await said(), ['addon', true])
    assert.equal((await next()).text, 'READY=1')
    assert.deepEqual(await exit, { status: 0, stderr: '' })
  })
}

test('does not touch a descriptor that was passed to its parent, and names the parent', async (t) => {
  const { socket, next } = await receiver(t)
  const { said, pid, exit } = service(t, 'say([aye.transport, aye.ready(), aye.listenFds()])',
    { socket, setup: '"$@"; exit', subject: withoutAddon(t) })
  assert.deepEqual(await said(), [null, false, []])
  const { stderr } = await exit
  assert.equal(count(stderr, 'AYE_NO_TRANSPORT'), 1, stderr)
  assert.match(stderr, new RegExp(`started process ${pid} .* let ExecStart= start node itself`))
  await nothingArrives(t, socket, next)
})

// A shell that stays: what the manager started, in whose cgroup node is.
const IN_SHELL = 'export SYSTEMD_EXEC_PID=$$; "$@"; exit'

if (has('addon')) test('says once, at its first message, that another process is the one which was started', async (t) => {
  const { socket, next } = await receiver(t)
  const code = 'say([aye.transport, aye.ready(), aye.status("s")])'
  const { said, pid, exit } = service(t, code, { socket, setup: IN_SHELL, wrapped: false })
  assert.deepEqual(await said(), ['addon', true, true])
  for (const text of ['READY=1', 'STATUS=s']) assert.equal((await next()).text, text)
  const { stderr } = await exit
  assert.equal(count(stderr, '\\w+'), 1, stderr)
  assert.equal(count(stderr, 'AYE_NOT_MAIN'), 1, stderr)
  assert.match(stderr, new RegExp(` started process ${pid}, .* add the line NotifyAccess=all to \\[Service\\], or `))
})

overEach('says nothing when it is the process which the manager started', async (t, how) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t, 'say(aye.ready())', { socket, setup: 'export SYSTEMD_EXEC_PID=$$', ...how })
  assert.equal(await said(), true)
  assert.equal((await next()).text, 'READY=1')
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

overEach('says nothing of another process when it sends nothing', async (t, how) => {
  const { socket } = await receiver(t)
  const { said, exit } = service(t, 'say(aye.listenFds())', { socket, setup: IN_SHELL, ...how })
  assert.deepEqual(await said(), [])
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

test('warns once that the variables of socket activation contradict each other', async (t) => {
  const { said, exit } = service(t, 'say([aye.listenFds(), aye.listenFds("http")])',
    { wrapped: false, setup: 'exec 3</dev/null; export LISTEN_FDS=2 LISTEN_FDNAMES=http LISTEN_PID=$$' })
  assert.deepEqual(await said(), [[], []])
  assert.equal(count((await exit).stderr, 'AYE_LISTEN_FDS'), 1)
})
