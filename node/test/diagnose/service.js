'use strict'

// A service with a watchdog that is diagnosed, in a folder of its own; `block` is a call of diagnose/blocks.js that
// comes once the first heartbeat is out.

const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { createInterface } = require('node:readline')

const { receiver, service } = require('../support/service.js')

const USEC = 1_000_000
// How the second way is made to be taken: Node then loads no addon.
const WAYS = { addon: {}, inspector: { NODE_OPTIONS: '--no-addons' } }

/**
 * @param {(folder: string) => string} block what to do once the first heartbeat is out
 * @param {{ way?: string, usec?: number, before?: string, wrapped?: boolean, prepare?: (folder: string) => void,
 *   stays?: boolean }} [more] `before` comes before the watchdog is started, `prepare` before the process is
 */
async function watched(t, block, more = {}) {
  const { way = 'addon', usec = USEC, before = '', wrapped = way !== 'addon', prepare = () => {}, stays = true } = more
  const folder = mkdtempSync(join(tmpdir(), 'aye-blocked-'))
  t.after(() => rmSync(folder, { recursive: true }))
  prepare(folder)
  const { socket, next } = await receiver(t)
  const blocks = JSON.stringify(require.resolve('./blocks.js'))
  const code = `
    const blocks = require(${blocks})
    ${before}
    aye.watchdog.start({ diagnose: true })
    setImmediate(async () => { ${block(folder)} })
    ${stays ? 'setInterval(() => {}, 1000)' : ''}`
  const started = service(t, code, { socket, wrapped, env: { WATCHDOG_USEC: String(usec), ...WAYS[way] } })
  const lines = createInterface({ input: started.child.stderr })[Symbol.asyncIterator]()
  return {
    ...started,
    folder,
    /** The next STATUS, past the heartbeats. */
    status: async () => {
      for (;;) {
        const { text, assignments } = await next()
        const status = assignments?.find(([key]) => key === 'STATUS')
        if (status) return status[1]
        if (text !== 'WATCHDOG=1' && text !== 'READY=1') return text
      }
    },
    next,
    /** The next line of stderr. */
    line: async () => (await lines.next()).value,
  }
}

module.exports = { USEC, WAYS, watched }
