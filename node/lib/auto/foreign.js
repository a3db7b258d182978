'use strict'

// Bun and Deno: their http servers are not made of net's, and each has a `serve` of its own, which most programs written
// for them use. It returns when the server listens, so it is wrapped, until the program is up.

const http = require('node:http')

/**
 * @param {(server: object) => void} found
 * @param {(prototype: object, found: (server: object) => void) => () => void} wrap wraps a `listen`
 * @returns {(() => void)[]} each ends one of them
 */
function watchForeign(found, wrap) {
  const ends = Object.hasOwn(http.Server.prototype, 'listen') ? [wrap(http.Server.prototype, found)] : []
  for (const runtime of [globalThis.Bun, globalThis.Deno]) {
    if (runtime) ends.push(wrapServe(runtime, found))
  }
  return ends
}

function wrapServe(runtime, found) {
  const { serve } = runtime
  function wrapped(...args) {
    const server = serve.apply(this, args)
    found(asNode(server))
    return server
  }
  runtime.serve = wrapped
  return () => {
    if (runtime.serve === wrapped) runtime.serve = serve
  }
}

/** A server of Bun, or of Deno (`addr`), with the two members that are looked at. */
function asNode({ addr, hostname, port, url }) {
  const place = addr ?? { hostname, port, path: url?.protocol === 'unix:' ? url.pathname : undefined }
  const where = place.path ?? { address: place.hostname, port: place.port }
  return { listening: true, address: () => where }
}

module.exports = { watchForeign }
