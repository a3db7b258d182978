'use strict'

// Starts a program with aye/auto preloaded, under a receiver of its own, the way a unit would.

const assert = require('node:assert/strict')
const { join } = require('node:path')

const { receiver, service } = require('../support/service.js')

const AUTO = join(__dirname, '../../auto.js')
const PRELOAD = { NODE_OPTIONS: `--import=${AUTO}` }
const SUBJECT = join(__dirname, 'subject.js')

/**
 * `next()` is the text of the next datagram, `nothing()` asserts that none came before the one it sends itself. See
 * `service` for the rest.
 */
async function program(t, code, { env = {}, ...options } = {}) {
  const manager = await receiver(t)
  const all = { socket: manager.socket, subject: SUBJECT, ...options, env: { ...PRELOAD, ...env } }
  const started = service(t, code, all)
  const next = async () => (await manager.next()).text
  return { ...started, manager, next, nothing: () => nothing(t, manager) }
}

/** What was sent before arrives before: a marker of another service proves that nothing came. */
async function nothing(t, { socket, next }) {
  await service(t, 'aye.notify({ X_MARKER: 1 })', { socket }).exit
  assert.equal((await next()).text, 'X_MARKER=1')
}

module.exports = { AUTO, PRELOAD, SUBJECT, program }
