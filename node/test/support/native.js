'use strict'

// The addon itself, without the package around it, in this process and in worker threads.

const { once } = require('node:events')
const { readdirSync } = require('node:fs')
const { join } = require('node:path')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const { Worker } = require('node:worker_threads')

const PATH = join(__dirname, `../../prebuilds/linux-${process.arch}.node`)

/** Where JavaScript can be run that has `native`, `connection` to `address`, `bytes` and `say`, which answers `said`. */
function worker(t, address, code) {
  const source = `
    const { parentPort } = require('node:worker_threads')
    const native = require(${JSON.stringify(PATH)})
    const connection = native.open(${JSON.stringify(address)})
    const bytes = (text) => new Uint8Array(Buffer.from(text))
    const say = (value) => parentPort.postMessage(value)
    ;(async () => { ${code} })()`
  const thread = new Worker(source, { eval: true })
  t?.after(() => thread.terminate())
  return {
    thread,
    said: once(thread, 'message').then(([value]) => value),
    ended: once(thread, 'exit').then(([status]) => status),
  }
}

const bytes = (text) => new Uint8Array(Buffer.from(text))

/** How many sockets this process has open. */
function sockets() {
  const { lstatSync, readlinkSync } = require('node:fs')
  return readdirSync('/proc/self/fd').filter((fd) => {
    const path = `/proc/self/fd/${fd}`
    return lstatSync(path, { throwIfNoEntry: false }) && readlinkSync(path).startsWith('socket:')
  }).length
}

/** Collects garbage until `done`, which it is at some time after: what is collected is told later. */
async function collected(done) {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  while (!done()) {
    collect()
    await new Promise(setImmediate)
  }
}

module.exports = { native: require(PATH), bytes, collected, sockets, worker }
