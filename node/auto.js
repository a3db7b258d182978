'use strict'

// `node --import aye/auto app.js`: speaks for a program that knows nothing of systemd. READY=1 when its first server
// listens, STATUS= with the address, heartbeats, STOPPING=1 on SIGTERM; in a cluster for all of its workers. Where no
// service manager listens it ends here, having loaded nothing.

if (isTold()) require('./lib/auto/begin.js')

function isTold() {
  try {
    return Boolean(process.env.NOTIFY_SOCKET || process.env.WATCHDOG_USEC)
  } catch {
    // Deno throws for a variable that --allow-env does not name.
    return false
  }
}
