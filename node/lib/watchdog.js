'use strict'

// Heartbeats: WATCHDOG=1 from a timer of the very event loop they vouch for, at half the timeout that systemd set. When
// the loop hangs, the heartbeat stops, which is the point; the timer never keeps a finished process alive.

const { LONGEST_MS, describe } = require('./argument.js')

const HEARTBEAT = Buffer.from('WATCHDOG=1')
const TRIGGER = Buffer.from('WATCHDOG=trigger')

/** Milliseconds from one heartbeat to the next for a timeout in microseconds, see sd_watchdog_enabled(3). */
function intervalMs(usec) {
  const half = usec / 2000n
  if (half < 1n) return 1
  return half > BigInt(LONGEST_MS) ? LONGEST_MS : Number(half)
}

/**
 * @param {{ usec: bigint | null, problem: string | null, foreign: boolean }} asked what the environment says
 * @param {ReturnType<typeof import('./transport.js').open>} link
 * @param {(text: string, code: string) => void} warn
 * @param {() => string | null} [status] what the program last said of itself
 */
function create({ usec, problem, foreign }, link, warn, status = () => null) {
  const interval = usec === null ? null : intervalMs(usec)
  let timer = null
  let gates = null
  let watch = null
  let warned = false

  function ping() {
    return link.offer(HEARTBEAT)
  }

  /** That the loop came round is what a diagnosis wants to know, also when a gate holds the heartbeat back. */
  function beat() {
    watch?.beat()
    if (gates === null) return ping()
    const mine = timer
    gates.round(() => { if (timer === mine) ping() })
  }

  function start(options) {
    const wanted = check(options)
    if (problem !== null && !warned) {
      warned = true
      warn(`${problem}; no heartbeats will be sent`, 'AYE_WATCHDOG')
    }
    if (link.kind === null || foreign) link.begin()
    if (link.kind === null || usec === null) return false
    extend(wanted)
    if (timer !== null) return true
    // When the first one fails the timer runs all the same: the manager may be back before the next one is due.
    timer = setInterval(beat, interval).unref()
    beat()
    return true
  }

  /** What one caller asked for stays when another one starts the watchdog, too. */
  function extend({ gates: more = [], diagnose = false }) {
    if (more.length > 0) {
      gates ??= require('./gate.js').create((text) => warn(text, 'AYE_GATE'))
      gates.add(more)
    }
    if (!diagnose || watch !== null) return
    const means = { ...link.means(), intervalMs: interval, usec, offer: link.offer, status, warn }
    watch = require('./diagnose.js').create(means)
    watch.arm()
  }

  function stop() {
    if (timer === null) return false
    clearInterval(timer)
    timer = null
    gates?.clear()
    watch?.disarm()
    watch = null
    return true
  }

  return { start, stop, ping, trigger: () => link.deliver(TRIGGER), interval }
}

/** @throws {TypeError} */
function check(options = {}) {
  if (options === null || typeof options !== 'object') {
    throw new TypeError(`watchdog.start takes an object such as { diagnose: true }, not ${describe(options)}`)
  }
  const { gates, diagnose } = options
  if (gates !== undefined) require('./gate.js').check(gates)
  if (diagnose !== undefined && typeof diagnose !== 'boolean') {
    throw new TypeError(`watchdog.start takes diagnose as a boolean, not ${describe(diagnose)}`)
  }
  return options
}

module.exports = { create, intervalMs }
