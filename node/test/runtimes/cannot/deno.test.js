'use strict'

// Deno keeps a table of descriptors of its own, in which the inherited ones are missing (seen with Deno 2.9): there is no
// transport, and the process says so. Run by runtimes.mjs, which sets AYE_TEST_RUNTIME to Deno.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { receiver, service } = require('../../support/service.js')

test('has no transport under Deno, and says so once', async (t) => {
  const { socket } = await receiver(t)
  const { said, exit } = service(t, 'say([aye.transport, aye.ready(), aye.watchdog.start()])', { socket })
  assert.deepEqual(await said(), [null, false, false])
  const { status, stderr } = await exit
  assert.equal(status, 0)
  assert.match(stderr, /AYE_NO_TRANSPORT.*3 is not open to this program \(Deno shows none to JavaScript\)/)
})
