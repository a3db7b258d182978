'use strict'

// What the loop and the worker that looks on share: when the loop last turned, and what was said of it since. One
// writes where the other reads, so all of it is atomic but the place, which is complete before it is announced.

const PLACE = 512
const [BEAT, SINCE] = [0, 1]
const [SAID, LENGTH] = [0, 1]

/** Milliseconds of the clock that all threads share. */
function clock() {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

function create(buffer = new SharedArrayBuffer(24 + PLACE)) {
  const times = new BigInt64Array(buffer, 0, 2)
  const flags = new Int32Array(buffer, 16, 2)
  const place = new Uint8Array(buffer, 24)

  return {
    buffer,

    /** The loop turns; what was said of it until now, else null. */
    beat() {
      const now = clock()
      Atomics.store(times, BEAT, BigInt(now))
      if (Atomics.exchange(flags, SAID, 0) === 0) return null
      const text = Buffer.from(place.slice(0, Atomics.load(flags, LENGTH))).toString()
      return { blocked: now - Number(Atomics.load(times, SINCE)), place: text }
    },

    lastBeat() {
      return Number(Atomics.load(times, BEAT))
    },

    /** That the loop is stuck there was said. */
    say(since, text) {
      const { written } = new TextEncoder().encodeInto(text, new Uint8Array(PLACE))
      place.set(Buffer.from(text).subarray(0, written))
      Atomics.store(flags, LENGTH, written)
      Atomics.store(times, SINCE, BigInt(since))
      Atomics.store(flags, SAID, 1)
    },
  }
}

module.exports = { clock, create }
