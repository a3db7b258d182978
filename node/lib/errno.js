'use strict'

// What went wrong, as ERRNO= takes it: a number, the name of one, or an error of Node that carries either.

const { constants: { errno: numbers } } = require('node:os')

const { describe, integer } = require('./argument.js')

// ERRNO_MAX in systemd, as in the kernel.
const LARGEST = 4095
const NAME = /^E[A-Z0-9]+$/

/** The text of an errno; null for an error that has none of the kernel's. @throws {TypeError} */
function text(code) {
  if (typeof code === 'number') return String(integer('errno', code, 0, LARGEST))
  if (typeof code === 'string') return ofName(code)
  if (code instanceof Error || typeof code?.code === 'string') return ofError(code)
  const wanted = `a number from 0 to ${LARGEST}, a name such as 'ENOENT' or an error of Node`
  throw new TypeError(`errno takes ${wanted}, not ${describe(code)}`)
}

/** systemd knows more names than Node, so one that is unknown here is its to read. */
function ofName(name) {
  if (!NAME.test(name)) throw new TypeError(`errno takes a name such as 'ENOENT', not ${describe(name)}`)
  return String(numbers[name] ?? name)
}

/** By its name, for the numbers of libuv are not the kernel's for all that it reports (ENOTFOUND of a name lookup). */
function ofError({ code }) {
  return typeof numbers[code] === 'number' ? String(numbers[code]) : null
}

module.exports = { text }
