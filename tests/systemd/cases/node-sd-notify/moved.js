'use strict'

// A service as it was written for sd-notify: told by its README to beat a little more often than WatchdogSec=, and
// beginning with it a while after its READY.

const notify = require('/srv/aye/node/sd-notify.js')

process.on('SIGTERM', () => {
  notify.sendStatus('going')
  notify.stopping()
  process.exit()
})
setTimeout(() => {
  notify.ready()
  notify.sendStatus(`at ${notify.watchdogInterval()} ms\nSTOPPING=1`)
  setTimeout(() => notify.startWatchdogMode(1800), 500)
}, 100)
setInterval(() => {}, 1e6)
