'use strict'

// More time for what goes on now: EXTEND_TIMEOUT_USEC once, or again and again for as long as a promise is pending.
// The manager counts from the message on and never shortens, see sd_notify(3).

const { describe, milliseconds } = require('./argument.js')

/** The assignment for a time in milliseconds. @throws {TypeError} */
function assignment(name, ms) {
  return ['EXTEND_TIMEOUT_USEC', String(Math.ceil(milliseconds(name, ms, 1) * 1000))]
}

/**
 * @param {PromiseLike<T> | (() => T | PromiseLike<T>)} work
 * @param {number} ms the time that each message asks for; the next one comes after half of it
 * @param {() => void} send
 * @template T
 * @returns {Promise<Awaited<T>>}
 */
function whilePending(work, ms, send) {
  if (typeof work !== 'function' && typeof work?.then !== 'function') {
    throw new TypeError(`extendTimeoutWhile takes a promise or a function that gives one, not ${describe(work)}`)
  }
  send()
  const timer = setInterval(send, ms / 2).unref()
  const result = typeof work === 'function' ? new Promise((resolve) => resolve(work())) : Promise.resolve(work)
  return result.finally(() => clearInterval(timer))
}

module.exports = { assignment, whilePending }
