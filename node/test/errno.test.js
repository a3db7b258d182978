'use strict'

// What errno() takes and what it makes of it: numbers, names, errors of Node.

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { test } = require('node:test')

const { text } = require('../lib/errno.js')

const NUMBERS = [-1, 4096, 1.5, NaN, Infinity]
const NAMES = ['', 'enoent', 'ENOENT\nREADY=1', 'NOENT', '2']

for (const code of [...NUMBERS, ...NAMES, 5n, true, null, undefined, {}, []]) {
  test(`refuses ${typeof code} ${JSON.stringify(String(code))}`, () => {
    assert.throws(() => text(code), { name: 'TypeError', message: /^errno takes / })
  })
}

test('takes each number that the kernel may use', () => {
  assert.deepEqual([0, 2, 4095].map(text), ['0', '2', '4095'])
})

test('takes a name, also one that only systemd knows', () => {
  assert.deepEqual(['ENOENT', 'EADDRINUSE', 'EKEYEXPIRED'].map(text), ['2', '98', 'EKEYEXPIRED'])
})

test('takes an error of Node by its code', () => {
  assert.throws(() => readFileSync('/nowhere/at/all'), (error) => text(error) === '2')
})

test('finds none in an error that the kernel has no number for', () => {
  // The number of a failed name lookup is one of libuv's own.
  const lookup = Object.assign(new Error('getaddrinfo ENOTFOUND nowhere'), { errno: -3008, code: 'ENOTFOUND' })
  const odd = Object.assign(new Error('odd'), { code: 5 })
  assert.deepEqual([lookup, new Error('plain'), odd].map(text), [null, null, null])
})

test('is not fooled by a code that only an object has', () => {
  assert.equal(text(Object.assign(new Error('odd'), { code: 'constructor' })), null)
})
