// A steady HTTP load on one address, over connections that are kept and over new ones, until SIGTERM; then, as JSON, how
// many requests there were and what failed. Nothing is tried twice: a request failed when its connection was refused or
// reset, when it took longer than 10 s, when its answer was cut off, was not that of the service or had another status
// than 200. A line `begun` says that every client had its first answer.
// Usage: node load.mjs HOST:PORT CLIENTS PAUSE_MS; each client asks again PAUSE_MS after its last answer.

import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const TIMEOUT_MS = 10_000
const SLOW_EACH = 10
const SLOW_MS = 30

const [address, clients, pause] = process.argv.slice(2)
const [host, port] = address.split(':')
const count = { asked: 0, ok: 0, failed: 0, kept: 0, fresh: 0, slowest_ms: 0 }
const failures = {}
const instances = {}
let going = true

function ask(agent) {
  const path = count.asked++ % SLOW_EACH ? '/' : `/slow?ms=${SLOW_MS}`
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, agent, path }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (more) => { text += more }).on('error', reject)
      response.on('end', () => {
        if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode}`))
        resolve({ text, reused: request.reusedSocket })
      })
      response.on('close', () => reject(new Error('the answer was cut off')))
    })
    request.on('error', (error) => {
      error.message += request.reusedSocket ? ', over a connection that was kept' : ', over a new connection'
      reject(error)
    })
    // From the outside of the request: Node's own timeout is one of silence, and only once there is a connection.
    const timer = setTimeout(() => request.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS)
    request.on('close', () => clearTimeout(timer))
  })
}

async function once(agent) {
  const begin = performance.now()
  try {
    const { text, reused } = await ask(agent)
    const { instance } = JSON.parse(text)
    instances[instance] = (instances[instance] ?? 0) + 1
    count[reused ? 'kept' : 'fresh']++
    count.ok++
  } catch (error) {
    count.failed++
    failures[error.message] = (failures[error.message] ?? 0) + 1
  }
  count.slowest_ms = Math.max(count.slowest_ms, Math.ceil(performance.now() - begin))
}

async function client(keepAlive) {
  const agent = new http.Agent({ keepAlive, maxSockets: 1 })
  await once(agent)
  begun()
  while (going) {
    await sleep(Number(pause))
    await once(agent)
  }
  agent.destroy()
}

let waiting = Number(clients)
function begun() {
  if (--waiting === 0) console.log('begun')
}

process.on('SIGTERM', () => { going = false })
await Promise.all(Array.from({ length: Number(clients) }, (_, index) => client(index % 2 === 0)))
console.log(JSON.stringify({ ...count, failures, instances }))
