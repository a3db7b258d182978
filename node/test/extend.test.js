'use strict'

// More time for as long as work is pending: when it is asked for, and what becomes of the work. The timer ticks when
// told.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { assignment, whilePending } = require('../lib/extend.js')
const { timers } = require('./support/clock.js')

for (const ms of [0, -1, 0.5, NaN, Infinity, 2 ** 31, '5', 5n, null, undefined]) {
  test(`refuses ${typeof ms} ${ms} as a time`, () => {
    const says = { name: 'TypeError', message: /^extendTimeout takes a time in milliseconds/ }
    assert.throws(() => assignment('extendTimeout', ms), says)
  })
}

for (const work of [undefined, null, 5, {}, 'work', { then: 5 }]) {
  test(`refuses ${JSON.stringify(work)} as work, and asks for no time`, () => {
    const send = () => assert.fail('asked for time')
    const says = { name: 'TypeError', message: /^extendTimeoutWhile takes a promise/ }
    assert.throws(() => whilePending(work, 10, send), says)
  })
}

test('asks in whole microseconds, rounded up', () => {
  assert.deepEqual(assignment('extendTimeout', 5000), ['EXTEND_TIMEOUT_USEC', '5000000'])
  assert.deepEqual(assignment('extendTimeout', 1.0001), ['EXTEND_TIMEOUT_USEC', '1001'])
  assert.deepEqual(assignment('extendTimeout', 2 ** 31 - 1), ['EXTEND_TIMEOUT_USEC', '2147483647000'])
})

for (const [what, work] of [
  ['rejects', () => Promise.reject(new Error('broken'))],
  ['throws', () => { throw new Error('broken') }],
]) {
  test(`ends its timer when the work ${what}, and passes on why`, async (t) => {
    const { running } = timers(t)
    await assert.rejects(whilePending(work, 10, () => {}), { message: 'broken' })
    assert.equal(running(), 0)
  })
}

test('asks before the work begins, then at half the time from a timer that keeps nothing alive', async (t) => {
  const { tick, delays, running, referenced } = timers(t)
  const log = []
  let done
  const work = () => {
    log.push('work')
    return new Promise((resolve) => { done = resolve })
  }
  const result = whilePending(work, 10_000, () => log.push('send'))
  assert.deepEqual([log, delays, referenced()], [['send', 'work'], [5000], 0])
  tick()
  tick()
  done('rows')
  assert.equal(await result, 'rows')
  assert.deepEqual([log, running()], [['send', 'work', 'send', 'send'], 0])
})

test('takes a promise, what only looks like one, and a function that gives neither', async (t) => {
  const { running } = timers(t)
  const thenable = { then: (resolve) => resolve('thenable') }
  const work = [Promise.resolve('promise'), thenable, () => 'value', async () => 'async']
  const found = await Promise.all(work.map((one) => whilePending(one, 10, () => {})))
  assert.deepEqual([found, running()], [['promise', 'thenable', 'value', 'async'], 0])
})
