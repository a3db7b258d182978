'use strict'

// The second way to see where the main thread is stuck: a worker that connects the inspector to it, and only once a
// beat is overdue, because a debugger makes the program slower. The worker itself takes some 10 MB.

const { writeSync } = require('node:fs')

const memory = require('./memory.js')
const report = require('./report.js')

const HEAP_MB = 8

/**
 * @param {{ interval: number, limit: number }} terms in milliseconds
 * @param {(why: string) => void} failed is called when the worker ends by itself
 * @throws {Error} where there can be no such worker
 */
function watch(terms, failed) {
  const threads = threadsOrThrow()
  const shared = memory.create()
  shared.beat()
  const worker = new threads.Worker(require.resolve('./worker.js'), {
    name: 'aye-diagnose',
    workerData: { buffer: shared.buffer, terms },
    execArgv: [], // what is preloaded into the program is not for this one
    env: withoutPreloads(process.env),
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  })
  worker.unref()
  worker.on('error', (error) => failed(`its worker failed: ${error.message}`))

  function beat() {
    const passed = shared.beat()
    if (passed === null) return
    write(report.runsAgain(passed.blocked, passed.place))
    return report.pastStatus(passed.blocked, passed.place)
  }

  function end() {
    worker.removeAllListeners('error')
    worker.terminate()
  }

  return { beat, end }
}

function threadsOrThrow() {
  if (process.versions.bun || process.versions.deno) throw new Error('only Node.js can be asked')
  const threads = require('node:worker_threads')
  if (!threads.isMainThread) throw new Error('without the addon only the main thread can be asked, this is a worker')
  // Its worker would not be refused, but end the process: ConnectToMainThread aborts (seen with Node 26).
  if (process.permission?.has('inspector') === false) {
    throw new Error('Node\'s permission model allows neither the addon nor the inspector (start node with --allow-addons)')
  }
  try {
    require('node:inspector')
  } catch {
    throw new Error('there is neither the addon nor an inspector in this build of Node.js')
  }
  return threads
}

/** Workers read NODE_OPTIONS again, --require and --import included. */
function withoutPreloads({ NODE_OPTIONS, ...env }) {
  return env
}

function write(text) {
  try {
    writeSync(2, text)
  } catch {
    // nobody reads it
  }
}

module.exports = { watch }
