'use strict'

// What callers may pass, checked in one voice: the value itself when it is right, else a TypeError that says what it
// takes and what it got. Wrong arguments are the one thing for which this package throws.

const LONGEST_MS = 2 ** 31 - 1

/** @throws {TypeError} unless it is a string */
function text(name, value) {
  if (typeof value !== 'string') throw new TypeError(`${name} takes its text as a string, not ${describe(value)}`)
  return value
}

/** @throws {TypeError} unless it is a whole number from `least` to `most` */
function integer(name, value, least, most) {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new TypeError(`${name} takes a whole number from ${least} to ${most}, not ${describe(value)}`)
  }
  return value
}

/** A time that timers can hold, see Node's documentation of setTimeout. @throws {TypeError} */
function milliseconds(name, value, least = 0) {
  if (typeof value !== 'number' || !(value >= least) || value > LONGEST_MS) {
    throw new TypeError(`${name} takes a time in milliseconds, ${least} to ${LONGEST_MS}, not ${describe(value)}`)
  }
  return value
}

function describe(value) {
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return 'an array'
  const isPlain = value === null || !['function', 'object'].includes(typeof value)
  return isPlain ? String(value) : `a value of type ${typeof value}`
}

module.exports = { LONGEST_MS, text, integer, milliseconds, describe }
