// A steady stream of HTTP requests to a port of the loopback: a bounded rate and a bounded total. Half of them come over
// connections that are kept, half each over a new one, and some are slow to be answered, so that whatever a restart could
// break is there to be broken. Nothing is tried twice: what a client would see is what is counted.

import http from 'node:http'

const EVERY_MS = 10
const AT_MOST = 6000
const TIMEOUT_MS = 10_000
const SLOW_EACH = 7
const SLOW_MS = 150

export class Traffic {
  ok = 0
  failed = 0
  /** What went wrong, each kind once with how often. */
  failures = new Map()
  /** The processes that answered. */
  pids = new Set()

  #port
  #timer
  #sent = 0
  #open = new Set()
  #kept = new http.Agent({ keepAlive: true, maxSockets: 8, scheduling: 'fifo' })

  constructor(port) {
    this.#port = port
  }

  start() {
    this.#timer = setInterval(() => this.#send(), EVERY_MS)
  }

  /** Sends no more and waits for the answers that are due. */
  async stop() {
    clearInterval(this.#timer)
    await Promise.all(this.#open)
    this.#kept.destroy()
  }

  #send() {
    if (this.#sent >= AT_MOST) return clearInterval(this.#timer)
    const number = this.#sent++
    const request = this.#ask({
      agent: number % 2 ? this.#kept : false,
      path: number % SLOW_EACH ? '/' : `/slow?ms=${SLOW_MS}`,
    }).then((pid) => this.#succeed(pid), (error) => this.#fail(error))
    this.#open.add(request)
    request.then(() => this.#open.delete(request))
  }

  #ask(options) {
    return new Promise((resolve, reject) => {
      const request = http.get({ host: '127.0.0.1', port: this.#port, timeout: TIMEOUT_MS, ...options }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (more) => { text += more }).on('error', reject)
        response.on('end', () => {
          if (response.statusCode !== 200) return reject(new Error(`answered with status ${response.statusCode}`))
          try {
            resolve(JSON.parse(text).pid)
          } catch (error) {
            reject(error)
          }
        })
      })
      request.on('timeout', () => request.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`))).on('error', reject)
    })
  }

  #succeed(pid) {
    this.ok++
    this.pids.add(pid)
  }

  #fail({ message }) {
    this.failed++
    this.failures.set(message, (this.failures.get(message) ?? 0) + 1)
  }
}
