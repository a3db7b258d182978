'use strict'

// CLOCK_MONOTONIC in microseconds, which a reload must carry (sd_notify(3), MONOTONIC_USEC=): the manager ignores a
// reload that seems older than its own request.

const fs = require('node:fs')

const UPTIME_STEP_USEC = 10_000n

/** Node's high resolution time is CLOCK_MONOTONIC itself; Bun and Deno count from the start of the process. */
function monotonicUsec() {
  if (!process.versions.bun && !process.versions.deno) return process.hrtime.bigint() / 1000n
  try {
    return uptimeUsec(fs.readFileSync('/proc/uptime', 'latin1'))
  } catch {
    // Deno permits files of /proc with --allow-all only.
    return null
  }
}

/** proc_uptime(5) counts suspended time too and in hundredths, rounded down; a time rounded up is never too old. */
function uptimeUsec(uptime) {
  const [seconds, hundredths] = uptime.split(' ', 1)[0].split('.')
  return BigInt(seconds) * 1_000_000n + (BigInt(hundredths) + 1n) * UPTIME_STEP_USEC
}

module.exports = { monotonicUsec, uptimeUsec }
