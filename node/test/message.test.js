'use strict'

// Assignments to bytes, without any socket: what a caller may pass, and what never changes its meaning on the way.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const vectors = require('../../tests/vectors/encode.json')
const { LONGEST, encode, fromFields } = require('../lib/message.js')

const sent = (assignments) => encode(assignments).toString()

for (const { name, assignments, bytes } of vectors) {
  test(`encodes the shared vector: ${name}`, () => assert.equal(sent(assignments), bytes))
}

for (const [what, fields] of Object.entries({
  'no object': 'READY=1',
  'null': null,
  'an array': ['READY=1'],
  'no field': {},
  'a key in lower case': { ready: 1 },
  'a key with an equals sign': { 'READY=1\nX': 1 },
  'an empty key': { '': 1 },
  'a key that ends in a line break': { 'READY\n': 1 },
  'an undefined value': { STATUS: undefined },
  'a null value': { STATUS: null },
  'an object as value': { STATUS: {} },
  'a symbol as value': { STATUS: Symbol('s') },
  'a number that is none': { WATCHDOG_USEC: NaN },
  'an infinite number': { WATCHDOG_USEC: Infinity },
})) {
  test(`refuses ${what} as fields`, () => assert.throws(() => fromFields(fields), TypeError))
}

test('refuses a message that is too long without a status to cut', () => {
  const longest = 'x'.repeat(LONGEST - 'X_A='.length)
  assert.equal(encode([['X_A', longest]]).length, LONGEST)
  assert.throws(() => encode([['X_A', longest + 'x']]), { name: 'TypeError', message: /4097 bytes.*4096/ })
})

test('refuses a message that is too long even when its status is cut to nothing', () => {
  const almost = 'x'.repeat(LONGEST - 'X_A=\nSTATUS='.length - 2)
  assert.throws(() => encode([['X_A', almost], ['STATUS', 'long']]), TypeError)
})

test('cuts a long status so that the other assignments arrive whole', () => {
  const text = sent([['READY', '1'], ['STATUS', 'x'.repeat(9000)], ['X_LAST', 'kept']])
  assert.equal(Buffer.byteLength(text), LONGEST)
  assert.match(text, /^READY=1\nSTATUS=x+…\nX_LAST=kept$/)
})

test('cuts between characters, never inside one', () => {
  for (let shift = 0; shift < 4; shift++) {
    const bytes = encode([['STATUS', 'x'.repeat(shift) + '🚢'.repeat(2000)]])
    assert.ok(bytes.length <= LONGEST && bytes.length > LONGEST - 4, `${bytes.length} bytes`)
    assert.match(bytes.toString(), /^STATUS=x{0,3}(🚢)+…$/u)
  }
})

test('cuts between doubled backslashes, since half a pair would make the receiver drop the message', () => {
  for (let shift = 0; shift < 2; shift++) {
    const text = sent([['STATUS', 'x'.repeat(shift) + '\\'.repeat(5000)]])
    assert.equal(text.match(/\\+/)[0].length % 2, 0)
    assert.ok(text.endsWith('\\…'))
  }
})

test('leaves a status that just fits alone', () => {
  const text = '✓'.repeat((LONGEST - 'STATUS='.length) / 3)
  assert.equal(sent([['STATUS', text]]), `STATUS=${text}`)
})

test('turns a NUL into a space, since the receiver drops a message that holds one', () => {
  assert.equal(sent([['STATUS', 'a\0b']]), 'STATUS=a b')
})

test('sends a noncharacter as a replacement character, since systemd would clear the status', () => {
  assert.equal(encode([['STATUS', 'a\uFFFEb\u{1FFFF}c\uFDD0d é✓😀']]).toString(), 'STATUS=a\uFFFDb\uFFFDc\uFFFDd é✓😀')
})

test('sends a lone surrogate as a replacement character, so that the datagram stays UTF-8', () => {
  assert.deepEqual(encode([['STATUS', '\ud83d!']]), Buffer.from('STATUS=\ufffd!'))
})

test('takes strings, numbers, bigints and booleans in their order', () => {
  const assignments = fromFields({ STATUS: 'up', EXTEND_TIMEOUT_USEC: 5e6, X_BIG: 2n ** 64n, READY: true, X_NO: false })
  assert.equal(sent(assignments), 'STATUS=up\nEXTEND_TIMEOUT_USEC=5000000\nX_BIG=18446744073709551616\nREADY=1\nX_NO=0')
})

/** What the receiver makes of a datagram: breaks separate, a backslash makes the next byte an ordinary one. */
function received(bytes) {
  const lines = [[]]
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === 0x5c) {
      if (++at === bytes.length) return 'dropped: a backslash at the end'
      lines.at(-1).push(bytes[at])
    } else if (bytes[at] === 0x0a || bytes[at] === 0x0d) lines.push([])
    else if (bytes[at] === 0) return 'dropped: a NUL'
    else lines.at(-1).push(bytes[at])
  }
  return lines.filter(({ length }) => length > 0).map((line) => Buffer.from(line))
}

/** Numbers that are the same in each run, so that what fails fails again (xorshift32, by G. Marsaglia). */
function random(state) {
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

// What has a meaning to somebody on the way, and halves of characters: surrogates without their other half.
const PIECES = ['\n', '\r', '\r\n', '\0', '\\', '\\\n', '=', 'READY=1', '\nREADY=1', '\ud83d', '\udea2', '🚢', '\ufffe',
  '\u2028', '\x85', ' ', 'é', 'x']

test('lets no text become another assignment, whatever it is made of', () => {
  const below = random(20261122)
  for (let round = 0; round < 5000; round++) {
    const text = () => Array.from({ length: below(12) }, () => PIECES[below(PIECES.length)]).join('')
    const keys = ['STATUS', 'X_A', 'FDNAME'].slice(0, 1 + below(3))
    const fields = Object.fromEntries(keys.map((key) => [key, text()]))
    const lines = received(encode(fromFields(fields)))
    const arrived = keys.map((key) => `${key}=${shown(fields[key])}`)
    assert.deepEqual(Array.isArray(lines) ? lines.map(String) : lines, arrived, JSON.stringify(fields))
  }
})

/** A text as it is to arrive, a character at a time. */
function shown(text) {
  return Array.from(text, (character) => {
    const point = character.codePointAt(0)
    if (point === 0 || point === 0x0a || point === 0x0d) return ' '
    const isLoneSurrogate = point >= 0xd800 && point <= 0xdfff
    const isNoncharacter = (point & 0xfffe) === 0xfffe || (point >= 0xfdd0 && point <= 0xfdef)
    return isLoneSurrogate || isNoncharacter ? '\ufffd' : character
  }).join('')
}

test('lets no status become another assignment where it is cut, either', () => {
  const below = random(4096)
  for (let round = 0; round < 100; round++) {
    const text = Array.from({ length: 2000 + below(3000) }, () => PIECES[below(PIECES.length)]).join('')
    const bytes = encode([['READY', '1'], ['STATUS', text], ['X_LAST', 'kept']])
    const lines = received(bytes).map(String)
    assert.ok(bytes.length <= LONGEST && bytes.length > LONGEST - 8, `${bytes.length} bytes`)
    assert.deepEqual([lines.length, lines[0], lines[2]], [3, 'READY=1', 'X_LAST=kept'])
    assert.ok(lines[1].endsWith('…') && `STATUS=${shown(text)}`.startsWith(lines[1].slice(0, -1)), lines[1].slice(-20))
  }
})
