'use strict'

// The decisions around one send, with a write and an addon that answer as told: a busy manager, one that is gone, none
// at all. The same against real sockets is in service.test.js.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { constants: { errno: numbers } } = require('node:os')

const { uptimeUsec } = require('../lib/clock.js')
const { open } = require('../lib/transport.js')

const MESSAGE = Buffer.from('READY=1')
const NO_ADDON = { native: null, problem: 'no addon here' }
const given = (more) => ({
  expected: true, address: null, notify: null, started: null, notMain: () => 'not you', remedy: (why) => `do this (${why})`, ...more,
})

/** A link over answers: each send takes the next one, an errno name or null for success. */
function link(answers, what, { loaded = NO_ADDON, isRefused = () => true } = {}) {
  const log = { sends: [], pauses: 0, loads: 0, warnings: [] }
  const world = {
    write: (fd, bytes) => {
      log.sends.push([fd, String(bytes)])
      const code = answers.shift()
      if (code) throw Object.assign(new Error(`${code}: told so`), { code })
    },
    pause: () => log.pauses++,
    warn: (text, code) => log.warnings.push(`${code} ${text}`),
    load: () => (log.loads++, loaded),
    isRefused,
  }
  return { log, ...open(given(what), world) }
}

const overDescriptor = (answers, loaded) => link(answers, { notify: 3 }, { loaded })

/** The same with an addon, whose connections are numbered. */
function overAddon(answers) {
  const calls = []
  let connections = 0
  const answer = (call) => {
    calls.push(call)
    return numbers[answers.shift()] ?? 0
  }
  const native = {
    open: (address) => {
      calls.push(`open ${address}`)
      if (answers[0] === 'refused') throw new Error(`${answers.shift()}: told so`)
      return ++connections
    },
    adopt: (fd) => (calls.push(`adopt ${fd}`), ++connections),
    send: (connection, bytes, wait) => answer(`send ${connection} ${bytes} ${wait}`),
    sendWithFds: (connection, bytes, fds) => answer(`pass ${connection} ${bytes} ${fds}`),
    barrier: async (connection, ms) => answer(`barrier ${connection} ${ms}`),
  }
  const loaded = { native, problem: null }
  return { calls, loaded, ...link([], { address: '/run/notify' }, { loaded }) }
}

for (const code of ['ECONNREFUSED', 'EPIPE', 'EBADF', 'ENOTCONN', 'EMSGSIZE', 'EPERM']) {
  test(`warns once of ${code}, and goes on trying`, () => {
    const { deliver, offer, log } = overDescriptor([code, code, null])
    assert.deepEqual([deliver(MESSAGE), offer(MESSAGE), offer(MESSAGE)], [false, false, true])
    assert.equal(log.warnings.length, 1)
    assert.match(log.warnings[0], new RegExp(`^AYE_SEND messages to .* lost over descriptor 3: ${code}`))
  })
}

for (const code of ['EAGAIN', 'ENOBUFS']) {
  test(`waits out ${code} with a message that must not be lost`, () => {
    const { deliver, log } = overDescriptor([code, code, null])
    assert.equal(deliver(MESSAGE), true)
    assert.deepEqual(log, { sends: Array(3).fill([3, 'READY=1']), pauses: 2, loads: 0, warnings: [] })
  })

  test(`does not wait out ${code} with a message that another one follows`, () => {
    for (const { offer, log } of [overDescriptor([code]), overAddon([code])]) {
      assert.equal(offer(MESSAGE), false)
      assert.deepEqual([log.pauses, log.warnings], [0, []])
    }
  })
}

test('stops waiting when the manager goes away meanwhile', () => {
  const { deliver, log } = overDescriptor(['EAGAIN', 'ECONNREFUSED'])
  assert.equal(deliver(MESSAGE), false)
  assert.equal(log.warnings.length, 1)
})

test('says once what is missing when there is neither a descriptor nor an addon', () => {
  const { deliver, offer, pass, kind, log } = link([], { address: '/run/notify' })
  assert.deepEqual([kind, deliver(MESSAGE), offer(MESSAGE), pass(MESSAGE, [5])], [null, false, false, false])
  assert.deepEqual(log, { sends: [], pauses: 0, loads: 1, warnings: ['AYE_NO_TRANSPORT do this (no addon here)'] })
})

test('does not look for the addon without an address to send to', () => {
  const { deliver, kind, log } = link([], {})
  assert.deepEqual([kind, deliver(MESSAGE), log.loads], [null, false, 0])
  assert.deepEqual(log.warnings, ['AYE_NO_TRANSPORT do this (undefined)'])
})

test('says nothing where no service manager is expected', () => {
  const { deliver, log } = link([], { expected: false })
  assert.equal(deliver(MESSAGE), false)
  assert.deepEqual(log.warnings, [])
})

test('says at the first message that the manager will not listen to this process, and sends all the same', () => {
  const { begin, deliver, offer, log } = link([], { notify: 3, started: '7' })
  assert.deepEqual(log.warnings, [])
  assert.deepEqual([deliver(MESSAGE), offer(MESSAGE), begin()], [true, true, true])
  assert.deepEqual([log.sends.length, log.warnings], [2, ['AYE_NOT_MAIN not you']])
})

test('does not say so where the unit lets every process speak', () => {
  const { deliver, log } = link([], { notify: 3, started: '7' }, { isRefused: (started) => started !== '7' })
  assert.deepEqual([deliver(MESSAGE), log.warnings], [true, []])
})

test('does not load the addon for what the descriptor can do', () => {
  const { deliver, offer, log } = overDescriptor([])
  assert.deepEqual([deliver(MESSAGE), offer(MESSAGE), log.loads], [true, true, 0])
})

test('warns once when a descriptor cannot be stored for want of the addon, and sends the rest', () => {
  const { deliver, pass, log } = overDescriptor([])
  assert.deepEqual([pass(MESSAGE, [5]), pass(MESSAGE, [5]), deliver(MESSAGE)], [false, false, true])
  assert.deepEqual(log.warnings, ['AYE_NO_ADDON barriers and stored descriptors need the addon: no addon here; ' +
    'the rest goes over descriptor 3'])
})

test('passes descriptors over the socket that was handed over, adopted once', async () => {
  const { calls, loaded } = overAddon([])
  const { pass, native } = overDescriptor([], loaded)
  assert.deepEqual([pass(MESSAGE, [5]), pass(MESSAGE, [6, 7])], [true, true])
  await native().barrier(10)
  assert.deepEqual(calls, ['adopt 3', 'pass 1 READY=1 5', 'pass 1 READY=1 6,7', 'barrier 1 10'])
})

test('connects at the first message, and no sooner', () => {
  const { calls, kind, deliver, offer } = overAddon([])
  assert.deepEqual([kind, calls], ['addon', []])
  assert.deepEqual([deliver(MESSAGE), offer(MESSAGE)], [true, true])
  assert.deepEqual(calls, ['open /run/notify', 'send 1 READY=1 true', 'send 1 READY=1 false'])
})

for (const code of ['ECONNREFUSED', 'ENOTCONN', 'ECONNRESET', 'EPIPE']) {
  test(`connects once more when ${code} says that the manager is another one by now`, () => {
    const { calls, deliver, log } = overAddon([null, code, null])
    assert.deepEqual([deliver(MESSAGE), deliver(MESSAGE)], [true, true])
    assert.deepEqual(calls.slice(2), ['send 1 READY=1 true', 'open /run/notify', 'send 2 READY=1 true'])
    assert.deepEqual(log.warnings, [])
  })

  test(`gives up when a new connection gives ${code}, too, and begins anew with the next message`, () => {
    const { calls, deliver, log } = overAddon([null, code, code, null])
    assert.deepEqual([deliver(MESSAGE), deliver(MESSAGE), deliver(MESSAGE)], [true, false, true])
    assert.deepEqual(calls.filter((call) => call.startsWith('open')).length, 3)
    assert.equal(log.warnings.length, 1)
    assert.match(log.warnings[0], new RegExp(`^AYE_SEND .* lost over /run/notify: ${code}`))
  })
}

test('does not connect again for what another connection would not mend', () => {
  const { calls, deliver, log } = overAddon(['EMSGSIZE', null])
  assert.deepEqual([deliver(MESSAGE), deliver(MESSAGE)], [false, true])
  assert.equal(calls.filter((call) => call.startsWith('open')).length, 1)
  assert.match(log.warnings[0], /^AYE_SEND .*EMSGSIZE/)
})

test('warns once of an address that cannot be connected to, and tries again', () => {
  const { deliver, log } = overAddon(['refused', 'refused'])
  assert.deepEqual([deliver(MESSAGE), deliver(MESSAGE), deliver(MESSAGE)], [false, false, true])
  assert.match(log.warnings.join(), /^AYE_SEND [^]*refused: told so$/)
})

test('gives a diagnosis the addon, the connection and the descriptor, and nothing without a word', () => {
  const { calls, loaded, means } = overAddon([])
  assert.deepEqual(means(), { fd: null, native: loaded.native, connection: 1 })
  assert.deepEqual(calls, ['open /run/notify'])
  const bare = overDescriptor([])
  assert.deepEqual([bare.means(), bare.log.warnings], [{ fd: 3, native: null, connection: null }, []])
})

test('rounds the uptime up to its next hundredth, so that a reload never seems too old', () => {
  assert.equal(uptimeUsec('1242.09 1878.52\n'), 1_242_100_000n)
  assert.equal(uptimeUsec('7.99 1.00\n'), 8_000_000n)
})
