'use strict'

// Timers that tick when a test says so: setInterval and clearInterval of this process for the length of one test.

/** @returns {{ tick: () => void, delays: number[], running: () => number, referenced: () => number }} */
function timers(t) {
  const { setInterval, clearInterval } = globalThis
  const started = new Set()
  const delays = []
  globalThis.setInterval = (beat, delay) => {
    delays.push(delay)
    const timer = { beat, referenced: true, unref() { this.referenced = false; return this } }
    started.add(timer)
    return timer
  }
  globalThis.clearInterval = (timer) => started.delete(timer)
  t.after(() => Object.assign(globalThis, { setInterval, clearInterval }))
  return {
    tick: () => started.forEach(({ beat }) => beat()),
    delays,
    running: () => started.size,
    referenced: () => [...started].filter(({ referenced }) => referenced).length,
  }
}

/** What has been promised already is done when this is. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

module.exports = { timers, settled }
