'use strict'

// The decisions around one write(2), with a write that answers as told: a busy manager, one that is gone, none at all.
// The same against real sockets is in service.test.js.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { uptimeUsec } = require('../lib/clock.js')
const { open } = require('../lib/transport.js')
const { create, intervalMs } = require('../lib/watchdog.js')

const MESSAGE = Buffer.from('READY=1')

function failing(code) {
  throw Object.assign(new Error(`${code}: told so`), { code })
}

/** A sender over answers: each write takes the next one, an errno name or null for success. */
function sender(answers, fd = 3, missing = () => null) {
  const log = { writes: 0, pauses: 0, warnings: [] }
  const world = {
    write: (...call) => {
      log.writes++
      log.call = call
      const code = answers.shift()
      if (code) failing(code)
      return MESSAGE.length
    },
    pause: () => log.pauses++,
    warn: (text, code) => log.warnings.push(`${code} ${text}`),
    missing,
  }
  return { log, ...open(fd, world) }
}

for (const code of ['ECONNREFUSED', 'EPIPE', 'EBADF', 'ENOTCONN', 'EMSGSIZE', 'EPERM']) {
  test(`warns once of ${code}, and goes on trying`, () => {
    const { deliver, offer, log } = sender([code, code, null])
    assert.deepEqual([deliver(MESSAGE), offer(MESSAGE), offer(MESSAGE)], [false, false, true])
    assert.equal(log.warnings.length, 1)
    assert.match(log.warnings[0], new RegExp(`^AYE_SEND writing to .* \\(descriptor 3\\) failed.*${code}`))
  })
}

for (const code of ['EAGAIN', 'ENOBUFS']) {
  test(`waits out ${code} with a message that must not be lost`, () => {
    const { deliver, log } = sender([code, code, null])
    assert.equal(deliver(MESSAGE), true)
    assert.deepEqual(log, { writes: 3, pauses: 2, warnings: [], call: [3, MESSAGE] })
  })

  test(`does not wait out ${code} with a message that another one follows`, () => {
    const { offer, log } = sender([code])
    assert.equal(offer(MESSAGE), false)
    assert.deepEqual([log.writes, log.pauses, log.warnings], [1, 0, []])
  })
}

test('stops waiting when the manager goes away meanwhile', () => {
  const { deliver, log } = sender(['EAGAIN', 'ECONNREFUSED'])
  assert.equal(deliver(MESSAGE), false)
  assert.equal(log.warnings.length, 1)
})

test('says once what is missing when there is no descriptor, and never writes', () => {
  const { deliver, offer, log } = sender([], null, () => 'do this')
  assert.deepEqual([deliver(MESSAGE), offer(MESSAGE), deliver(MESSAGE)], [false, false, false])
  assert.deepEqual([log.writes, log.warnings], [0, ['AYE_NO_TRANSPORT do this']])
})

test('says nothing where no service manager is expected', () => {
  const { deliver, log } = sender([], null)
  assert.equal(deliver(MESSAGE), false)
  assert.deepEqual(log.warnings, [])
})

test('starts no heartbeat without a descriptor', () => {
  const dog = create({ usec: 1n, problem: null }, () => false, false, () => {})
  assert.deepEqual([dog.start(), dog.stop()], [false, false])
})

test('warns once of a watchdog that it cannot read', () => {
  const warnings = []
  const dog = create({ usec: null, problem: 'garbage' }, () => true, true, (text, code) => warnings.push(`${code} ${text}`))
  assert.deepEqual([dog.start(), dog.start()], [false, false])
  assert.deepEqual(warnings, ['AYE_WATCHDOG garbage; no heartbeats will be sent'])
})

test('beats at half the timeout, within what a timer can hold', () => {
  assert.equal(intervalMs(2_000_000n), 1000)
  assert.equal(intervalMs(2_999_999n), 1499)
  assert.equal(intervalMs(1n), 1)
  assert.equal(intervalMs(2n ** 63n), 2 ** 31 - 1)
})

test('rounds the uptime up to its next hundredth, so that a reload never seems too old', () => {
  assert.equal(uptimeUsec('1242.09 1878.52\n'), 1_242_100_000n)
  assert.equal(uptimeUsec('7.99 1.00\n'), 8_000_000n)
})
