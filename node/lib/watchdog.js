'use strict'

// Heartbeats: WATCHDOG=1 from a timer of the very event loop they vouch for, at half the timeout that systemd set. When
// the loop hangs, the heartbeat stops, which is the point; the timer never keeps a finished process alive.

// Longer delays make setInterval fire at once, see Node's documentation of timers.
const LONGEST_MS = 2 ** 31 - 1

/** Milliseconds from one heartbeat to the next for a timeout in microseconds, see sd_watchdog_enabled(3). */
function intervalMs(usec) {
  const half = usec / 2000n
  if (half < 1n) return 1
  return half > BigInt(LONGEST_MS) ? LONGEST_MS : Number(half)
}

/**
 * @param {{ usec: bigint | null, problem: string | null }} asked what the environment says
 * @param {(bytes: Buffer) => boolean} send
 * @param {boolean} available whether there is a descriptor to send over; without one `send` says what is missing
 * @param {(text: string, code: string) => void} warn
 */
function create({ usec, problem }, send, available, warn) {
  const heartbeat = Buffer.from('WATCHDOG=1')
  let timer = null
  let warned = false

  function ping() {
    return send(heartbeat)
  }

  function start() {
    if (timer !== null) return true
    if (problem !== null && !warned) {
      warned = true
      warn(`${problem}; no heartbeats will be sent`, 'AYE_WATCHDOG')
    }
    if (available && usec === null) return false
    // When this one fails the timer starts all the same: the manager may be back before the next one is due.
    ping()
    if (!available) return false
    timer = setInterval(ping, intervalMs(usec)).unref()
    return true
  }

  function stop() {
    if (timer === null) return false
    clearInterval(timer)
    timer = null
    return true
  }

  return Object.freeze({ start, stop, ping })
}

module.exports = { create, intervalMs }
