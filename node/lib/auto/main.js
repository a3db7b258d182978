'use strict'

// The main process: nothing is sent, and nothing of the program is touched, until it is up. Then READY=1, and with it
// begin the heartbeats and the watch for SIGTERM.
//
// No heartbeat goes out before: systemd starts to watch at the first one, even while the service is still starting (seen
// on 252, 257 and 262: `watchdog` as the result of a start), and loading a large program blocks the loop for longer than
// many a WatchdogSec=. Nor does STOPPING=1: it is final since 259, and a READY=1 that comes after it does not count.

const cluster = require('node:cluster')

const aye = require('../../index.js')
const { format, matches } = require('./address.js')
const { watch } = require('./listening.js')
const { create } = require('./workers.js')
const { onceTerminated } = require('./terminated.js')

/** @param {Record<string, string | undefined>} env the environment, as `process.env` */
function speak(env) {
  const servers = new Set()
  let due = false
  let up = false
  const look = () => {
    if (due || up) return
    due = true
    setImmediate(settle)
  }
  const workers = create(cluster, (where) => matches(where, env.AYE_READY_ON), look)
  const unwatch = watch((server) => {
    servers.add(server)
    look()
  })

  // A turn of the loop later: programs that look for a free port listen on it and close it at once, and a worker that
  // died may have been replaced by then.
  function settle() {
    due = false
    const text = workers.any() ? workers.listening() : own()
    if (text === null || up) return
    up = true
    unwatch()
    servers.clear()
    begin(`listening on ${text}`)
  }

  function own() {
    for (const server of servers) {
      if (!server.listening) servers.delete(server)
      else if (matches(server.address(), env.AYE_READY_ON)) return format(server.address())
    }
    return null
  }

  // SIGTERM first: whoever has seen READY may send it at once. It is heard in a later turn of the loop,
  // so STOPPING comes after READY.
  function begin(text) {
    onceTerminated(process, () => aye.stopping())
    aye.ready(text)
    aye.watchdog.start({ gates: [workers.everyWorkerAnswers], diagnose: env.AYE_DIAGNOSE === '1' })
  }
}

module.exports = { speak }
