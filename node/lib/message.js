'use strict'

// Assignments to the bytes of one datagram, so that what arrives is what was meant: the receiver splits at line breaks,
// eats backslashes, and drops a datagram with a NUL or of more than 4096 bytes (PIPE_BUF), see sd_notify(3) and
// PROTOCOL.md. Pure: no descriptor, no clock.

const { describe } = require('./argument.js')

const LONGEST = 4096
const ELLIPSIS = '…'
const KEY = /^[A-Z0-9_]+$/
// Without u flag lone surrogates pass; Buffer.from turns them into U+FFFD, so the datagram is always valid UTF-8.
const UNSAFE = /[\n\r\0\\]/
// systemd takes U+FFFE and its kin for invalid UTF-8, and clears the status.
const NONCHARACTER = /\p{Noncharacter_Code_Point}/gu

/**
 * Text to one value: each character of a line break and a NUL become a space, a backslash is doubled, and what Unicode
 * says is no character becomes the replacement character.
 */
function escape(text) {
  const characters = text.replace(NONCHARACTER, '\uFFFD')
  if (!UNSAFE.test(characters)) return characters
  return characters.replace(/[\n\r\0]/g, ' ').replaceAll('\\', '\\\\')
}

/**
 * The bytes of a message. A STATUS that does not fit is for human eyes, so it is cut at a character boundary and ends
 * with an ellipsis; any other assignment would mean something else when cut, so those are refused.
 * @param {[key: string, text: string][]} assignments
 * @throws {TypeError} when it does not fit, with STATUS cut to nothing
 */
function encode(assignments) {
  const whole = Buffer.from(join(assignments))
  if (whole.length <= LONGEST) return whole
  const index = assignments.findIndex(([key]) => key === 'STATUS')
  const rest = assignments.map(([key, text], at) => (at === index ? [key, ''] : [key, text]))
  const room = LONGEST - Buffer.byteLength(join(rest))
  if (index < 0 || room < Buffer.byteLength(ELLIPSIS)) {
    throw new TypeError(`the service manager would drop a message of ${whole.length} bytes: send ${LONGEST} at most`)
  }
  rest[index][1] = cut(assignments[index][1], room)
  return Buffer.from(join(rest))
}

function join(assignments) {
  return assignments.map(([key, text]) => `${key}=${escape(text)}`).join('\n')
}

/** The longest beginning of `text`, in whole characters, that takes `room` bytes at most with an ellipsis, escaped. */
function cut(text, room) {
  let left = room - Buffer.byteLength(ELLIPSIS)
  let end = 0
  for (const character of text) {
    left -= Buffer.byteLength(escape(character))
    if (left < 0) break
    end += character.length
  }
  return text.slice(0, end) + ELLIPSIS
}

/** Fields as a caller gives them to assignments, in their order. @throws {TypeError} */
function fromFields(fields) {
  if (fields === null || typeof fields !== 'object' || Array.isArray(fields)) {
    throw new TypeError(`notify takes an object such as { STATUS: 'text' }, not ${describe(fields)}`)
  }
  const assignments = Object.entries(fields).map(([key, value]) => [checkKey(key), toText(key, value)])
  if (assignments.length === 0) throw new TypeError('notify takes at least one field, such as { STATUS: \'text\' }')
  return assignments
}

function checkKey(key) {
  if (!KEY.test(key)) throw new TypeError(`a key is made of A to Z, 0 to 9 and _, not ${describe(key)}`)
  return key
}

function toText(key, value) {
  switch (typeof value) {
    case 'string': return value
    case 'bigint': return String(value)
    case 'boolean': return value ? '1' : '0'
    case 'number': if (Number.isFinite(value)) return String(value)
  }
  throw new TypeError(`${key} takes a string, a finite number, a bigint or a boolean, not ${describe(value)}`)
}

module.exports = { LONGEST, encode, fromFields }
