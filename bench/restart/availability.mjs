// What a restart of all instances does to their availability: how many are active at each instant, by the manager's
// own stamps as its signals carry them, and what clients of theirs see meanwhile. One line of JSON on stdout.
// Usage: node availability.mjs PORTS UNIT... -- COMMAND...; PORTS with commas between them, one for each unit or one
// for all; each request goes to the next port, and on to others only while the connection is refused, as balancers do
// it.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

import { follow } from './bus.mjs'

const EVERY_MS = 5
const TIMEOUT_MS = 20_000
const SETTLED_MS = 60_000

const split = process.argv.indexOf('--')
const [ports, ...units] = process.argv.slice(2, split)
const [command, ...words] = process.argv.slice(split + 1)

/** A request over a connection of its own. */
function get(port) {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent: false, timeout: TIMEOUT_MS }
    const request = http.get(options, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`))
      response.on('error', reject).on('end', resolve).resume()
    })
    request.on('timeout', () => request.destroy(new Error('timeout'))).on('error', reject)
  })
}

/** Requests at a steady rate, as a balancer passes them on. */
class Clients {
  asked = 0
  failed = 0
  slowest = 0
  /** What went wrong, and how often. */
  why = {}

  constructor(ports) {
    this.ports = ports
    this.open = new Set()
  }

  start() {
    this.timer = setInterval(() => this.ask(), EVERY_MS)
  }

  ask() {
    const begin = performance.now()
    const answer = this.balance(this.asked++)
      .then(() => { this.slowest = Math.max(this.slowest, performance.now() - begin) }, (error) => this.fail(error))
    this.open.add(answer)
    answer.then(() => this.open.delete(answer))
  }

  /** A request to the next port, and where the connection is refused to the one after it, once round. */
  async balance(number) {
    for (let tried = 1; ; tried++, number++) {
      try {
        return await get(this.ports[number % this.ports.length])
      } catch (error) {
        if (error.code !== 'ECONNREFUSED' || tried === this.ports.length) throw error
      }
    }
  }

  fail({ code, message }) {
    this.failed++
    const why = code ?? message
    this.why[why] = (this.why[why] ?? 0) + 1
  }

  async stop() {
    clearInterval(this.timer)
    await Promise.all(this.open)
  }
}

/** When each unit was active, from the stamps of its signals. */
class Presence {
  states = new Map()
  edges = new Map()

  constructor(units) {
    this.units = new Set(units)
  }

  take(unit, properties) {
    if (!this.units.has(unit) || !properties.has('ActiveState')) return
    this.states.set(unit, properties.get('ActiveState'))
    for (const [name, step] of [['ActiveExitTimestampMonotonic', -1], ['ActiveEnterTimestampMonotonic', 1]]) {
      const at = properties.get(name)
      if (at >= this.since) this.edges.set(`${unit} ${name} ${at}`, { at, step })
    }
  }

  /** Every unit was left and entered `active` since the beginning, and is in it. */
  isOver() {
    const through = [...this.edges.values()].filter(({ step }) => step === 1).length
    return through >= this.units.size && [...this.units].every((unit) => this.states.get(unit) === 'active')
  }

  figures() {
    const edges = [...this.edges.values()].sort((a, b) => a.at - b.at)
    let active = this.units.size
    const figures = { least: active, none_ms: 0, below_ms: 0, lasted_ms: (edges.at(-1).at - edges[0].at) / 1000 }
    edges.forEach(({ at, step }, index) => {
      active += step
      figures.least = Math.min(figures.least, active)
      const lasts = ((edges[index + 1]?.at ?? at) - at) / 1000
      if (active === 0) figures.none_ms += lasts
      if (active < this.units.size) figures.below_ms += lasts
    })
    if (active !== this.units.size) throw new Error(`${active} of ${this.units.size} units are active by their stamps`)
    return figures
  }
}

function monotonicUsec() {
  return Number(process.hrtime.bigint() / 1000n)
}

const presence = new Presence(units)
const listening = await follow((unit, properties) => presence.take(unit, properties))
for (const state of execFileSync('systemctl', ['is-active', ...units], { encoding: 'utf8' }).trim().split('\n')) {
  if (state !== 'active') throw new Error(`a unit is ${state} before anything was restarted: ${units.join(' ')}`)
}
const clients = new Clients(ports.split(',').map(Number))
clients.start()
await sleep(200)
presence.since = monotonicUsec()
const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'inherit'] })
const [code] = await once(child, 'exit')
const until = performance.now() + SETTLED_MS
while (!presence.isOver()) {
  if (performance.now() > until) throw new Error(`the units are not active again after ${SETTLED_MS / 1000} s`)
  await sleep(20)
}
await sleep(200)
await clients.stop()
listening.close()
const { asked, failed, slowest, why } = clients
console.log(JSON.stringify({ code, ...presence.figures(), asked, failed, slowest_ms: slowest, why }))
