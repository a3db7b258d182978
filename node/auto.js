'use strict'

// `node --import aye/auto app.js`: speaks for a program that knows nothing of systemd. READY=1 when its first server
// listens, STATUS= with the address, heartbeats, STOPPING=1 on SIGTERM; in a cluster for all of its workers. Where no
// service manager listens it ends here, having loaded nothing.

if (process.env.NOTIFY_SOCKET || process.env.WATCHDOG_USEC) require('./lib/auto/begin.js')
