'use strict'

// Node that was told to load no addon, by --no-addons or by its permission model: all that a descriptor can do works,
// and for the rest it says what to allow. Run by runtimes.mjs, with such a Node as the process under test.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { RUNTIME, has, receiver, service } = require('../../support/service.js')
const { diagnosesNothing } = require('./diagnose.js')

const REASON = RUNTIME.includes('--permission')
  ? /Node's permission model keeps the addon from being loaded \(start node with --allow-addons\)/
  : /--no-addons keeps the addon from being loaded/

test('addon: has no transport without a descriptor, and says once what to change', async (t) => {
  const { socket } = await receiver(t)
  const { said, exit } = service(t, 'say([aye.transport, aye.ready(), aye.watchdog.start()])',
    { socket, wrapped: false })
  assert.deepEqual(await said(), [null, false, false])
  const { status, stderr } = await exit
  assert.equal(status, 0)
  assert.equal(stderr.match(/AyeWarning: /g).length, 1, stderr)
  assert.match(stderr, /\[AYE_NO_TRANSPORT\] AyeWarning: /)
  assert.match(stderr, REASON)
})

test('storeFd: gives false over the descriptor, as a barrier does, and says once what to change', async (t) => {
  const { socket, next } = await receiver(t)
  const { said, exit } = service(t,
    'say([aye.transport, aye.storeFd(1, "out"), await aye.barrier(), aye.ready()])', { socket })
  assert.deepEqual(await said(), ['fd', false, false, true])
  assert.equal((await next()).text, 'READY=1')
  const { status, stderr } = await exit
  assert.equal(status, 0)
  assert.equal(stderr.match(/AyeWarning: /g).length, 1, stderr)
  assert.match(stderr, /\[AYE_NO_ADDON\] AyeWarning: /)
  assert.match(stderr, REASON)
})

if (!has('diagnose')) diagnosesNothing(/permission model allows neither the addon nor the inspector \(start node with --allow-addons/)
