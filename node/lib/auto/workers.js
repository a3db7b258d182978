'use strict'

// The workers of a cluster, seen from its primary: whether each of them listens, and whether each of them answers. One
// that is dead or has been told to go is no longer waited for; one that has not answered yet is still starting, or does
// not know the question, and is asked but not waited for either.

const { ASK, ANSWER } = require('./worker.js')
const { format } = require('./address.js')

/**
 * @param {typeof import('node:cluster')} cluster
 * @param {(where: object) => boolean} counts whether it is the server that makes its worker ready
 * @param {() => void} changed there may be another answer to `listening` now
 */
function create(cluster, counts, changed) {
  const addresses = new WeakMap()
  const answered = new WeakSet()
  const open = new Map()

  // One that is told to go leaves this list at once. The channel of one that dies closes before its exit is known; it
  // leaves with both, so that a program which replaces it at its exit has done so by then.
  const living = () => Object.values(cluster.workers)

  cluster.on('fork', (worker) => {
    worker.process.on('internalMessage', (message) => {
      if (message?.cmd !== ANSWER) return
      answered.add(worker)
      close(worker)
    })
  })
  cluster.on('listening', (worker, where) => {
    // A datagram socket announces itself here too, and serves nobody that waits for readiness.
    if (/^udp/.test(where.addressType) || !counts(where)) return
    if (!addresses.has(worker)) addresses.set(worker, where)
    changed()
  })
  for (const event of ['disconnect', 'exit']) {
    cluster.on(event, (worker) => {
      close(worker)
      changed()
    })
  }

  function close(worker) {
    open.get(worker)?.resolve()
    open.delete(worker)
  }

  /** One question at a time: what a worker that hangs never reads must not pile up in the channel. */
  function ask(worker) {
    if (!open.has(worker)) {
      let resolve
      const promise = new Promise((settle) => { resolve = settle })
      open.set(worker, { promise, resolve })
      worker.process.send({ cmd: ASK }, () => {})
    }
    return open.get(worker).promise
  }

  return {
    any: () => living().length > 0,

    /** Where they listen once all of them do, else null. */
    listening() {
      const all = living()
      if (all.length === 0 || !all.every((worker) => addresses.has(worker))) return null
      const places = new Set(all.map((worker) => format(addresses.get(worker))))
      return `${[...places].join(', ')} (${all.length} ${all.length === 1 ? 'worker' : 'workers'})`
    },

    /** Settles, with true, when every worker has answered the question or is gone. */
    async everyWorkerAnswers() {
      const asked = living().filter((worker) => worker.isConnected())
      const answers = asked.map((worker) => [answered.has(worker), ask(worker)])
      await Promise.all(answers.map(([expected, answer]) => expected && answer))
      return true
    },
  }
}

module.exports = { create }
