'use strict'

// Every server that begins to listen in this process. Newer Nodes announce it on a diagnostics channel; where they do
// not, `listen` is wrapped until the program is up. Nobody says whether a channel is ever written to, so it is tried: a
// port that cannot be makes `listen` announce itself, and throw before it has done anything.
//
//   runtime            net               http and all above it
//   Node 20 to 26      channel           channel, as it is net's (20.20, 22.23, 24.21 and 26.10 were tried)
//   Node 18            wrapped           wrapped, as it is net's
//   Bun                wrapped           wrapped, its own; Bun.serve likewise
//   Deno               channel           wrapped, its own; Deno.serve likewise

const diagnostics = require('node:diagnostics_channel')
const net = require('node:net')

const STARTED = 'tracing:net.server.listen:asyncStart'
const LISTENING = 'tracing:net.server.listen:asyncEnd'
const NO_PORT = -1

/**
 * @param {(server: { listening: boolean, address(): object | string | null }) => void} found called for each server
 *   as soon as connections to it are accepted, for some more than once
 * @returns {() => void} ends it
 */
function watch(found) {
  const ends = [isAnnounced(net.Server) ? subscribe(found) : wrap(net.Server.prototype, found)]
  if (process.versions.bun || process.versions.deno) ends.push(...require('./foreign.js').watchForeign(found, wrap))
  return () => { for (const end of ends) end() }
}

function isAnnounced(Server) {
  let heard = false
  const server = new Server()
  const hear = (message) => { heard ||= message.server === server }
  diagnostics.subscribe(STARTED, hear)
  try {
    server.listen({ port: NO_PORT })
  } catch {
    // ERR_SOCKET_BAD_PORT, which is the point.
  }
  diagnostics.unsubscribe(STARTED, hear)
  return heard
}

function subscribe(found) {
  const hear = ({ server }) => found(server)
  diagnostics.subscribe(LISTENING, hear)
  return () => diagnostics.unsubscribe(LISTENING, hear)
}

function wrap(prototype, found) {
  const { listen } = prototype
  let ended = false
  function heard() {
    found(this)
  }
  function wrapped(...args) {
    // One listener a server, however often it tries.
    if (!ended && !this.listeners('listening').includes(heard)) this.once('listening', heard)
    return listen.apply(this, args)
  }
  prototype.listen = wrapped
  return () => {
    ended = true
    // Whoever wrapped it since then goes on calling this one.
    if (prototype.listen === wrapped) prototype.listen = listen
  }
}

module.exports = { watch }
