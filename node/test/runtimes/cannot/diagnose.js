'use strict'

// The test that a runtime which cannot say where its event loop is stuck says that, and beats on.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { receiver, service } = require('../../support/service.js')

/** @param {RegExp} reason why it cannot, and what to do about it */
function diagnosesNothing(reason) {
  test('diagnose: beats all the same and says once that nobody will look', async (t) => {
    const { socket, next } = await receiver(t)
    const { child, said, exit } = service(t, `
      say([aye.watchdog.start({ diagnose: true }), aye.watchdog.start({ diagnose: true })])
      process.stdin.once('data', () => process.stdin.destroy())`, { socket, env: { WATCHDOG_USEC: '20000' } })
    assert.deepEqual(await said(), [true, true])
    for (let beat = 0; beat < 5; beat++) assert.equal((await next()).text, 'WATCHDOG=1')
    child.stdin.write('go')
    const { status, stderr } = await exit
    assert.equal(status, 0)
    assert.equal(stderr.match(/AyeWarning: /g).length, 1, stderr)
    assert.match(stderr, /\[AYE_DIAGNOSE\] AyeWarning: nothing will say where the event loop is stuck: [^\n]*; heartbeats go on/)
    assert.match(stderr, reason)
  })
}

module.exports = { diagnosesNothing }
