'use strict'

// Barriers: a promise of whether the manager has read everything sent so far, see sd_notify_barrier(3). One at a time
// goes out, the others wait their turn, each against its own deadline; time is an argument.

const { milliseconds } = require('./argument.js')

const TIMED_OUT = 'ETIMEDOUT'

/**
 * @param {ReturnType<typeof import('./transport.js').open>} link
 * @param {() => number} now milliseconds that only grow
 */
function create(link, now) {
  let last = Promise.resolve()

  async function wait(deadline) {
    const left = Math.ceil(deadline - now())
    const native = left >= 0 ? link.native() : null
    if (native === null) return false
    try {
      await native.barrier(left)
      return true
    } catch (error) {
      return error.code === TIMED_OUT ? false : link.fail(error)
    }
  }

  /** @throws {TypeError} */
  return function barrier(ms = 5000) {
    const deadline = now() + milliseconds('barrier', ms)
    const turn = last.then(() => wait(deadline))
    last = turn
    return turn
  }
}

module.exports = { create }
