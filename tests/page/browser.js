// A headless Chromium, spoken to by the DevTools protocol over a pair of pipes: it reads commands from fd 3 and writes answers
// and events to fd 4, each a JSON text that a NUL ends (chromium's --remote-debugging-pipe).
import { spawn } from 'node:child_process'

const PATIENCE = 60_000

// Chromium's own messages go to standard error of ours; its network is off, and every request of a page is told of all the same.
export class Browser {
  #child
  #next = 1
  #waiting = new Map()
  #listeners = new Set()
  #rest = ''

  constructor(binary, profile) {
    const flags = [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-pipe', '--hide-scrollbars',
      '--no-first-run', '--disable-background-networking', '--disable-component-update', '--force-color-profile=srgb',
      `--user-data-dir=${profile}`
    ]
    this.#child = spawn(binary, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
    const [, , , input, output] = this.#child.stdio
    input.on('error', () => {})
    output.setEncoding('utf8')
    output.on('data', text => this.#take(text))
    this.#child.on('error', error => this.#fail(new Error(`cannot start ${binary}: ${error.message}`)))
    this.#child.on('exit', code => this.#fail(new Error(`the browser ended with ${code}`)))
  }

  #take(text) {
    const parts = (this.#rest + text).split('\0')
    this.#rest = parts.pop()
    for (const part of parts) this.#hear(JSON.parse(part))
  }

  #hear(message) {
    const waiting = this.#waiting.get(message.id)
    if (!waiting) return this.#listeners.forEach(listener => listener(message))
    this.#waiting.delete(message.id)
    if (message.error) waiting.reject(new Error(`${waiting.method}: ${message.error.message}`))
    else waiting.resolve(message.result)
  }

  #fail(error) {
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }

  send(method, params = {}, sessionId) {
    const id = this.#next++
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { method, resolve, reject }))
    this.#child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    return within(answer, `the answer to ${method}`)
  }

  // The next event of this name that concerns the session.
  event(name, sessionId) {
    const heard = new Promise(resolve => {
      const listener = message => {
        if (message.method !== name || message.sessionId !== sessionId) return
        this.#listeners.delete(listener)
        resolve(message.params)
      }
      this.#listeners.add(listener)
    })
    return within(heard, name)
  }

  listen(listener) {
    this.#listeners.add(listener)
  }

  async close() {
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    await this.send('Browser.close').catch(() => this.#child.kill())
    await within(ended, 'the end of the browser').catch(() => this.#child.kill('SIGKILL'))
  }
}

async function within(promise, what) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`awaited ${what} for ${PATIENCE / 1000} s`)), PATIENCE)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// A tab, with everything it said and asked for.
export class Tab {
  said = []
  requests = []

  static async open(browser) {
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true })
    const tab = new Tab(browser, sessionId, targetId)
    browser.listen(message => message.sessionId === sessionId && tab.#note(message))
    for (const domain of ['Page', 'Runtime', 'Log', 'Network', 'Audits']) await tab.send(`${domain}.enable`)
    return tab
  }

  constructor(browser, sessionId, targetId) {
    Object.assign(this, { browser, sessionId, targetId })
  }

  #note({ method, params }) {
    if (method === 'Log.entryAdded') this.said.push(params.entry.text)
    if (method === 'Runtime.consoleAPICalled') this.said.push(params.args.map(argument => argument.value).join(' '))
    if (method === 'Runtime.exceptionThrown') this.said.push(params.exceptionDetails.text)
    if (method === 'Audits.issueAdded') this.said.push(`issue: ${params.issue.code}`)
    if (method === 'Network.requestWillBeSent') this.requests.push(params.request.url)
  }

  send(method, params) {
    return this.browser.send(method, params, this.sessionId)
  }

  async go(url) {
    const loaded = this.browser.event('Page.loadEventFired', this.sessionId)
    const { errorText } = await this.send('Page.navigate', { url })
    if (errorText) throw new Error(`cannot open ${url}: ${errorText}`)
    await loaded
  }

  // The value of a function of ours that runs in the page; the page itself has no script and may have none.
  async ask(inPage, ...args) {
    const expression = `(${inPage})(...${JSON.stringify(args)})`
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }

  async resize(width, height = 900) {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
  }

  async scheme(value, media = 'screen') {
    await this.send('Emulation.setEmulatedMedia', { media, features: [{ name: 'prefers-color-scheme', value }] })
  }

  async screenshot(limit = 6000) {
    const { cssContentSize } = await this.send('Page.getLayoutMetrics')
    const { width, height } = cssContentSize
    const clip = { x: 0, y: 0, width, height: Math.min(height, limit), scale: 1 }
    const { data } = await this.send('Page.captureScreenshot', { format: 'png', clip, captureBeyondViewport: true })
    return Buffer.from(data, 'base64')
  }

  async pdf() {
    const { data } = await this.send('Page.printToPDF', { preferCSSPageSize: true, printBackground: true })
    return Buffer.from(data, 'base64')
  }

  close() {
    return this.browser.send('Target.closeTarget', { targetId: this.targetId })
  }
}
