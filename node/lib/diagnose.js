'use strict'

// Where the loop is stuck: when a heartbeat is overdue by half its margin, the stack of what blocks the event loop goes
// to stderr and its top to STATUS, before the manager's patience is over. The loop cannot say so itself. A thread of
// the addon looks on and has V8 interrupt the loop; where that cannot be, a worker does with the inspector; where
// neither can, that is said once. Heartbeats never come from either.

const { encode } = require('./message.js')

/**
 * @param {object} means
 * @param {object | null} means.native the addon
 * @param {object | null} means.connection the addon's connection for STATUS
 * @param {number} means.intervalMs from one beat to the next
 * @param {bigint} means.usec how long the manager waits for one
 * @param {(bytes: Buffer) => boolean} means.offer sends
 * @param {() => string | null} [means.status] what the program last said of itself, to be said again after a block
 * @param {(text: string, code: string) => void} means.warn
 * @param {typeof byInspector} [inspect] the second way
 */
function create({ native, connection, intervalMs, usec, offer, status = () => null, warn }, inspect = byInspector) {
  const terms = { interval: intervalMs, limit: Math.max(Number(usec) / 1000, 2 * intervalMs) }
  let way = null

  function arm() {
    if (way !== null) return
    try {
      way = byAddon(native, connection, terms) ?? inspect(terms, give)
    } catch (error) {
      give(error.message)
    }
  }

  function give(why) {
    way = null
    warn(`nothing will say where the event loop is stuck: ${why}; heartbeats go on`, 'AYE_DIAGNOSE')
  }

  /** The loop came round. When it was said to be stuck, that no longer holds. */
  function beat() {
    const passed = way?.beat()
    if (passed) offer(encode([['STATUS', status() ?? passed]]))
  }

  function disarm() {
    beat()
    way?.end()
    way = null
  }

  return { arm, beat, disarm }
}

function byAddon(native, connection, { interval, limit }) {
  if (!native?.watch || native.watch(connection, interval, limit) === 0) return null
  return { beat: native.beat, end: native.unwatch }
}

function byInspector(terms, failed) {
  return require('./diagnose/inspector.js').watch(terms, failed)
}

module.exports = { create }
