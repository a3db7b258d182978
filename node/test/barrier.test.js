'use strict'

// Barriers in their order and against their deadlines, over an addon that answers when told to; time stands still.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { create } = require('../lib/barrier.js')
const { settled } = require('./support/clock.js')

/** A link whose barriers are settled by the test, at a time that it sets. */
function link({ addon = true } = {}) {
  const calls = []
  const failures = []
  const native = { barrier: (ms) => new Promise((resolve, reject) => calls.push({ ms, resolve, reject })) }
  const clock = { now: 1000 }
  const fail = (error) => (failures.push(error.message), false)
  const barrier = create({ native: () => (addon ? native : null), fail }, () => clock.now)
  return { barrier, calls, failures, clock }
}

const failure = (code) => Object.assign(new Error(code), { code })

for (const ms of [-1, NaN, Infinity, 2 ** 31, '5', null, 5n]) {
  test(`refuses ${typeof ms} ${ms} as its deadline`, () => {
    assert.throws(() => link().barrier(ms), { name: 'TypeError', message: /^barrier takes a time in milliseconds, / })
  })
}

test('gives false without an addon', async () => {
  assert.equal(await link({ addon: false }).barrier(), false)
})

test('gives false at the deadline, which is no failure', async () => {
  const { barrier, calls, failures } = link()
  const result = barrier()
  await settled()
  assert.equal(calls[0].ms, 5000)
  calls[0].reject(failure('ETIMEDOUT'))
  assert.deepEqual([await result, failures], [false, []])
})

test('gives false when the barrier cannot be sent, and reports that', async () => {
  const { barrier, calls, failures } = link()
  const result = barrier(10)
  await settled()
  calls[0].reject(failure('EPERM'))
  assert.deepEqual([await result, failures], [false, ['EPERM']])
})

test('gives false when the addon throws', async () => {
  const failures = []
  const native = { barrier: () => { throw new Error('cannot reach it') } }
  const barrier = create({ native: () => native, fail: (error) => (failures.push(error.message), false) }, () => 0)
  assert.deepEqual([await barrier(), failures], [false, ['cannot reach it']])
})

test('sends the next one when the one before is done, whatever came of it', async () => {
  const { barrier, calls } = link()
  const results = [barrier(), barrier(), barrier()]
  await settled()
  assert.equal(calls.length, 1)
  calls[0].reject(failure('EPERM'))
  await settled()
  assert.equal(calls.length, 2)
  calls[1].resolve()
  await settled()
  calls[2].resolve()
  assert.deepEqual(await Promise.all(results), [false, true, true])
})

test('counts the time in the queue against the deadline', async () => {
  const { barrier, calls, clock } = link()
  const results = [barrier(100), barrier(60.5), barrier(50)]
  await settled()
  clock.now += 60
  calls[0].resolve()
  await settled()
  assert.deepEqual(calls.map(({ ms }) => ms), [100, 1])
  calls[1].resolve()
  assert.deepEqual(await Promise.all(results), [true, true, false])
  assert.equal(calls.length, 2)
})
