'use strict'

// The smallest service worth restarting: an HTTP server that warms up, says when it is ready, feeds its watchdog, reloads
// on SIGHUP and, on SIGTERM, finishes every request that reached it. README.md lists its environment.

const http = require('node:http')
const net = require('node:net')
const { setTimeout: sleep } = require('node:timers/promises')

// From this repository; a service of your own says require('aye').
const { listenFds, ready, reloading, status, stopping, watchdog } = require('../../node')

const [, , instance = 'web'] = process.argv
const WARMUP_MS = Number(process.env.WARMUP_MS ?? 0)
const MAY_BLOCK = process.env.MAY_BLOCK === '1'
const WARMUP_STEPS = 10
const KEEP_ALIVE_SECONDS = 2
const DRAIN_MS = 8000

let draining = false
let reloads = 0

const server = http.createServer(answer)
// What clients are told is shorter than what holds here, so that none sends a request into a connection being closed.
// RFC 9112, section 9.8, leaves that race to the two sides' timeouts; Node 24 adds such a second by itself.
server.keepAliveTimeout = (KEEP_ALIVE_SECONDS + 1) * 1000

function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://any')
  const ms = Number(searchParams.get('ms') ?? 0)
  if (pathname === '/slow') return void setTimeout(() => send(response, 200), ms)
  if (pathname === '/block' && !MAY_BLOCK) return send(response, 403)
  if (pathname === '/block') block(ms)
  send(response, pathname === '/' || pathname === '/block' ? 200 : 404)
}

function send(response, code) {
  response.setHeader('Content-Type', 'application/json')
  if (draining) response.setHeader('Connection', 'close')
  else response.setHeader('Keep-Alive', `timeout=${KEEP_ALIVE_SECONDS}`)
  response.writeHead(code).end(JSON.stringify({ instance, pid: process.pid, reloads }) + '\n')
}

/** Keeps the event loop busy, and with it the watchdog's heartbeat from being sent. */
function block(ms) {
  const end = performance.now() + ms
  while (performance.now() < end);
}

async function warmUp() {
  for (let step = 0; step < WARMUP_STEPS && WARMUP_MS > 0; step++) {
    status(`warming up ${(step * 100) / WARMUP_STEPS}%`)
    await sleep(WARMUP_MS / WARMUP_STEPS)
  }
}

/** Listens on the socket that systemd keeps open for all instances, named http, or on PORT of the loopback. */
function listen() {
  const [passed] = listenFds('http')
  const where = passed ? { fd: passed.fd } : { port: Number(process.env.PORT ?? 8080), host: '127.0.0.1' }
  return new Promise((resolve, reject) => server.once('error', reject).listen(where, resolve))
}

function whereabouts() {
  const address = server.address()
  return typeof address === 'string' ? address : `${address.address}:${address.port}`
}

function reload() {
  if (draining || !server.listening) return
  reloading('rereading the configuration')
  reloads++
  ready(`listening on ${whereabouts()}`)
}

// A rolling restart loses a request only if a connection that this process has accepted is closed with a request in it or
// on its way. Hence, in this order:
// - New connections: closing the descriptor leaves the socket itself open, which systemd and the other instances hold, and
//   what this process has not accepted waits in its queue for one of them.
// - Accepted connections, with or without a request yet: the close() of net.Server stops listening and leaves them alone.
//   That of http.Server, from Node 19 on, also closes the idle keep-alive ones at once, where a request may be arriving;
//   Node 18 does not, but nor does it tell the client to stop using them.
// - Each further answer says `Connection: close`, and its connection ends with it. One that stays idle ends when its
//   keep-alive time, of which the client was told a shorter value, is over.
// - DRAIN_MS, below TimeoutStopSec=, ends what is left: clients that opened a connection and never say anything on it.
function drain() {
  if (draining) return
  draining = true
  stopping('finishing requests')
  if (!server.listening) process.exit(0)
  net.Server.prototype.close.call(server, () => process.exit(0))
  setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref()
}

async function main() {
  process.on('SIGTERM', drain)
  process.on('SIGHUP', reload)
  await warmUp()
  await listen()
  ready(`listening on ${whereabouts()}`)
  watchdog.start()
  console.log(`web ${instance}: listening on ${whereabouts()}`)
}

main().catch((error) => {
  console.error(`web ${instance}: ${error.message}`)
  process.exit(1)
})
