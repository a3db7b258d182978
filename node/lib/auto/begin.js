'use strict'

// What this process is to the service, and so what is done in it: the main process speaks, the workers of its cluster
// answer it, and any other process that inherited the environment (a child, a thread, npm) is left alone.

const { isMainThread } = require('node:worker_threads')

const { isMain, mark } = require('./role.js')

const { env, pid } = process

if (isMainThread) {
  if (process.connected && require('node:cluster').isWorker) {
    require('./worker.js').answer(process)
  } else if (isMain(env, pid)) {
    mark(env, pid)
    require('./main.js').speak(env)
  }
}
