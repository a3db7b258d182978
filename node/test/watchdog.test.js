'use strict'

// When a heartbeat goes out and when it does not, over a link that notes what it is given; the timer ticks when told
// to.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { create, intervalMs } = require('../lib/watchdog.js')
const { settled, timers } = require('./support/clock.js')

const ASKED = { usec: 2_000_000n, problem: null, foreign: false }

/** A watchdog over a link that hands everything over, or nothing. */
function watchdog(asked = ASKED, { kind = 'fd', handed = true } = {}) {
  const log = { sent: [], warnings: [], begun: 0 }
  const send = (how) => (bytes) => (log.sent.push(`${how} ${bytes}`), handed)
  const link = { kind, begin: () => log.begun++, offer: send('offer'), deliver: send('deliver') }
  return { log, ...create(asked, link, (text, code) => log.warnings.push(`${code} ${text}`)) }
}

/** A gate that answers when told to. */
function gate() {
  const calls = []
  return Object.assign(() => new Promise((resolve, reject) => calls.push({ resolve, reject })), { calls })
}

const NO_GATES = [5, null, [true], [undefined]].map((gates) => ({ gates }))

for (const options of [null, 5, 'diagnose', ...NO_GATES, { diagnose: 1 }]) {
  test(`refuses to start with ${JSON.stringify(options)}, which is no option`, () => {
    for (const { start, log } of [watchdog(), watchdog({ ...ASKED, usec: null })]) {
      assert.throws(() => start(options), { name: 'TypeError', message: /^(a gate of )?watchdog\.start / })
      assert.deepEqual(log.sent, [])
    }
  })
}

test('starts no heartbeat where there is no way to send, and lets it be said what is missing', () => {
  const { start, stop, log } = watchdog(ASKED, { kind: null })
  assert.deepEqual([start(), stop(), log.begun, log.sent], [false, false, 1, []])
})

test('starts no heartbeat that is asked of nobody, without a word', () => {
  const { start, stop, interval, log } = watchdog({ ...ASKED, usec: null })
  assert.deepEqual([start(), stop(), interval], [false, false, null])
  assert.deepEqual(log, { sent: [], warnings: [], begun: 0 })
})

test('lets it be said that this is another process when the heartbeat is asked of that one', () => {
  const { start, log } = watchdog({ usec: null, problem: null, foreign: true })
  assert.deepEqual([start(), log.begun, log.sent], [false, 1, []])
})

test('warns once of a watchdog that it cannot read', () => {
  const { start, log } = watchdog({ usec: null, problem: 'garbage', foreign: false })
  assert.deepEqual([start(), start()], [false, false])
  assert.deepEqual(log.warnings, ['AYE_WATCHDOG garbage; no heartbeats will be sent'])
})

test('starts although the first heartbeat is not handed over, since the manager may be back before the next', (t) => {
  const { running } = timers(t)
  const { start, log } = watchdog(ASKED, { handed: false })
  assert.deepEqual([start(), running(), log.sent], [true, 1, ['offer WATCHDOG=1']])
})

test('beats at half the timeout from one timer that keeps nothing alive, until it is stopped', (t) => {
  const { tick, delays, running, referenced } = timers(t)
  const { start, stop, interval, log } = watchdog()
  assert.deepEqual([start(), start(), interval, delays, referenced()], [true, true, 1000, [1000], 0])
  tick()
  assert.deepEqual([stop(), stop(), running(), log.sent], [true, false, 0, Array(2).fill('offer WATCHDOG=1')])
})

test('pings and triggers by hand, whether it runs or not; the trigger is never lost', () => {
  const { ping, trigger, log } = watchdog({ ...ASKED, usec: null })
  assert.deepEqual([ping(), trigger(), log.sent], [true, true, ['offer WATCHDOG=1', 'deliver WATCHDOG=trigger']])
})

test('beats at half the timeout, within what a timer can hold', () => {
  assert.equal(intervalMs(2_000_000n), 1000)
  assert.equal(intervalMs(2_999_999n), 1499)
  assert.equal(intervalMs(1n), 1)
  assert.equal(intervalMs(2n ** 63n), 2 ** 31 - 1)
})

for (const [what, bad, text] of [
  ['throws', function database() { throw new Error('no connection') }, 'gate database failed: no connection'],
  ['rejects', async () => { throw new Error('no connection') }, 'gate 1 failed: no connection'],
  ['throws what is no error', () => { throw 'a text' }, 'gate 1 failed: "a text"'],
  ['throws nothing at all', () => { throw undefined }, 'gate 1 failed: undefined'],
  ['gives false', () => false, 'gate 1 gave false'],
  ['promises false', async () => false, 'gate 1 gave false'],
]) {
  test(`holds the heartbeat back while a gate ${what}, and says so once until it goes out again`, async (t) => {
    const { tick } = timers(t)
    const { start, log } = watchdog()
    let well = false
    const gates = [Object.defineProperty(() => (well ? undefined : bad()), 'name', { value: nameOf(bad) }), () => true]
    assert.equal(start({ gates }), true)
    await settled()
    tick()
    await settled()
    const warning = `AYE_GATE ${text}; heartbeats are held back until every gate passes`
    assert.deepEqual([log.sent, log.warnings], [[], [warning]])
    well = true
    tick()
    await settled()
    well = false
    tick()
    await settled()
    assert.deepEqual([log.sent, log.warnings], [['offer WATCHDOG=1'], [warning, warning]])
  })
}

const nameOf = ({ name }) => (name === 'database' ? name : '')

test('passes for all that a gate may give but false', async (t) => {
  timers(t)
  const { start, log } = watchdog()
  start({ gates: [() => undefined, () => 0, () => null, () => '', async () => 'well'] })
  await settled()
  assert.deepEqual([log.sent, log.warnings], [['offer WATCHDOG=1'], []])
})

test('does not ask a gate again while it is pending, and sends the heartbeat late when it passes', async (t) => {
  const { tick } = timers(t)
  const { start, log } = watchdog()
  const slow = gate()
  let asked = 0
  start({ gates: [() => ++asked, slow] })
  for (let beat = 0; beat < 3; beat++) {
    await settled()
    tick()
  }
  assert.deepEqual([slow.calls.length, asked, log.sent], [1, 1, []])
  assert.deepEqual(log.warnings, ['AYE_GATE gate 2 is still pending; heartbeats are held back until every gate passes'])
  slow.calls[0].resolve()
  await settled()
  assert.deepEqual(log.sent, ['offer WATCHDOG=1'])
  tick()
  assert.equal(slow.calls.length, 2)
})

test('does not ask a pending gate again when the watchdog is stopped and started meanwhile', async (t) => {
  const { tick } = timers(t)
  const { start, stop, log } = watchdog()
  const slow = gate()
  start({ gates: [slow] })
  stop()
  start({ gates: [slow] })
  slow.calls[0].resolve()
  await settled()
  assert.deepEqual([slow.calls.length, log.sent], [1, []])
  tick()
  slow.calls[1].resolve()
  await settled()
  assert.deepEqual(log.sent, ['offer WATCHDOG=1'])
})

test('sends no heartbeat for a gate that passes after the watchdog was stopped', async (t) => {
  const { running } = timers(t)
  const { start, stop, log } = watchdog()
  const slow = gate()
  start({ gates: [slow] })
  stop()
  slow.calls[0].resolve()
  await settled()
  assert.deepEqual([running(), log.sent], [0, []])
})

test('adds the gates of a second start, each of them once', async (t) => {
  const { tick } = timers(t)
  const { start, log } = watchdog()
  let asked = 0
  const one = () => { asked++ }
  start()
  start({ gates: [one] })
  start({ gates: [one, () => false] })
  tick()
  await settled()
  assert.deepEqual([asked, log.sent], [1, ['offer WATCHDOG=1']])
  assert.match(log.warnings.join(), /^AYE_GATE gate 2 gave false/)
})

test('forgets its gates when it is stopped', async (t) => {
  timers(t)
  const { start, stop, log } = watchdog()
  start({ gates: [() => false] })
  await settled()
  stop()
  start()
  await settled()
  assert.deepEqual(log.sent, ['offer WATCHDOG=1'])
})
