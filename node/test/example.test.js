'use strict'

// The service of examples/node-http, started as its unit would start it, with a socket named http: it says what it does,
// and going down it answers everything that has reached it.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { join } = require('node:path')
const { test } = require('node:test')

const { AYE, environment, receiver } = require('./support/service.js')

const SERVER = join(__dirname, '../../examples/node-http/server.js')
const IN_SHELL = 'export LISTEN_PID=$$; exec "$@"'

/** Starts the service on a socket of the loopback that stays open here, as a service manager would keep it. */
async function web(t, { until = 'READY=1', env = {} } = {}) {
  const manager = await receiver(t)
  const socket = net.createServer().listen(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const child = spawn('sh', ['-c', IN_SHELL, 'sh', AYE, 'wrap', '--', process.execPath, SERVER, '7'], {
    env: environment({ NOTIFY_SOCKET: manager.socket, LISTEN_FDS: '1', LISTEN_FDNAMES: 'http', ...env }),
    stdio: ['ignore', 'ignore', 'inherit', socket._handle.fd],
  })
  const exit = once(child, 'exit')
  // Closed only after the child has it, and before a connection comes: this process must not accept any.
  t.after(async () => {
    child.kill('SIGKILL')
    await exit
  })
  socket.close()
  const texts = []
  do texts.push((await manager.next()).text)
  while (!texts.at(-1).startsWith(until))
  return { ...manager, child, exit, port, texts }
}

/** One connection, spoken to in raw HTTP; `answer` is all that came until `mark`, or until its end. */
async function connection(t, port) {
  const socket = net.connect(port, '127.0.0.1').setEncoding('utf8')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  let text = ''
  let wake = () => {}
  socket.on('data', (more) => { text += more; wake() }).on('end', () => { text += '<end>'; wake() })
  return {
    ask: (path) => socket.write(`GET ${path} HTTP/1.1\r\nHost: web\r\n\r\n`),
    async answer(mark) {
      while (!text.includes(mark)) await new Promise((resolve) => { wake = resolve })
      const all = text
      text = ''
      return all
    },
  }
}

test('goes away at once when it is stopped while it warms up', async (t) => {
  const { child, exit, next } = await web(t, { until: 'STATUS=warming up 0%', env: { WARMUP_MS: '600000' } })
  child.kill('SIGTERM')
  assert.equal((await next()).text, 'STOPPING=1\nSTATUS=finishing requests')
  assert.deepEqual(await exit, [0, null])
})

test('says what it does from its warm-up to its end', async (t) => {
  const { child, exit, next, port, texts } = await web(t, { env: { WARMUP_MS: '50', WATCHDOG_USEC: '3600000000' } })
  const listening = `READY=1\nSTATUS=listening on 127.0.0.1:${port}`
  assert.deepEqual(texts, [...Array(10).keys()].map((step) => `STATUS=warming up ${step * 10}%`).concat(listening))
  assert.equal((await next()).text, 'WATCHDOG=1')
  child.kill('SIGHUP')
  assert.match((await next()).text, /^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=rereading the configuration$/)
  assert.equal((await next()).text, listening)
  child.kill('SIGTERM')
  assert.equal((await next()).text, 'STOPPING=1\nSTATUS=finishing requests')
  assert.deepEqual(await exit, [0, null])
})

test('answers what has reached it when it is stopped: in flight, on an idle connection, on one without a request yet', async (t) => {
  const { child, exit, next, port } = await web(t)
  const slow = await connection(t, port)
  const idle = await connection(t, port)
  const fresh = await connection(t, port)
  slow.ask('/slow?ms=300')
  idle.ask('/')
  assert.match(await idle.answer('"instance":"7"'), /^HTTP\/1.1 200 OK\r\n[^]*Keep-Alive: timeout=2/)
  // Connections are accepted in their order: an answer on this one proves that those before it have been.
  const last = await connection(t, port)
  last.ask('/')
  await last.answer('"instance":"7"')
  child.kill('SIGTERM')
  assert.equal((await next()).text, 'STOPPING=1\nSTATUS=finishing requests')
  idle.ask('/')
  fresh.ask('/')
  last.ask('/')
  for (const one of [idle, fresh, last, slow]) assert.match(await one.answer('<end>'), /^HTTP\/1.1 200 OK\r\n[^]*Connection: close/)
  assert.deepEqual(await exit, [0, null])
})

test('refuses to block its event loop unless that is allowed', async (t) => {
  const { port } = await web(t)
  const [response] = await once(http.get({ port, path: '/block?ms=60000', agent: false }), 'response')
  assert.equal(response.resume().statusCode, 403)
})
