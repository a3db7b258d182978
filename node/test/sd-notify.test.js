'use strict'

// The interface of sd-notify 2.8.0, as its users call it, against a real receiver. What its own package sends for the
// same calls is held against this in sd-notify/differential.test.mjs.

const assert = require('node:assert/strict')
const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')

const { receiver, service } = require('./support/service.js')

const root = join(__dirname, '..')
const NAMES = ['journalPrint', 'log', 'ready', 'sendState', 'sendStatus', 'startWatchdogMode', 'stopWatchdogMode',
  'stopping', 'watchdog', 'watchdogInterval']
const LEVELS = { emerg: 0, emergency: 0, alert: 1, crit: 2, critical: 2, err: 3, error: 3, warning: 4, warn: 4,
  notice: 5, info: 6, debug: 7 }
const PRELUDE = 'const notify = require(\'../../sd-notify.js\');'

/** A service whose code has the interface as `notify`. */
function subject(t, code, options) {
  return service(t, PRELUDE + code, options)
}

/** The texts of the datagrams that `code` sends, the same by each transport; a second service marks their end. */
async function sent(t, code) {
  const { socket, next } = await receiver(t)
  const [byDescriptor, byAddon] = [[], []]
  const results = []
  for (const [texts, wrapped] of [[byDescriptor, true], [byAddon, false]]) {
    results.push(await subject(t, code, { socket, wrapped }).exit)
    await service(t, 'aye.notify({ X_END: 1 })', { socket }).exit
    for (let text; (text = (await next()).text) !== 'X_END=1';) texts.push(text)
  }
  assert.deepEqual(byAddon, byDescriptor)
  assert.deepEqual(results.map(({ status }) => status), [0, 0])
  return { texts: byDescriptor, stderr: results[0].stderr }
}

test('does nothing, says nothing and returns what it did where there is no service manager', async (t) => {
  const { said, exit } = subject(t, `
    say([notify.ready(), notify.stopping(process.pid), notify.watchdog(), notify.sendStatus('s'),
      notify.sendState('READY=1'), notify.startWatchdogMode(50),
      notify.stopWatchdogMode(), notify.stopWatchdogMode(), notify.watchdogInterval()])`,
  { wrapped: false })
  assert.deepEqual(await said(), [null, null, null, null, null, null, null, null, 0])
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

for (const [what, call] of [
  ['a status that is no text', 'notify.sendStatus(Symbol("s"))'],
  ['a state that is no text', 'notify.sendState(Symbol("s"))'],
  ['a level that is a string, which was an emergency', 'notify.journalPrint("3", "x")'],
  ['a level that is none', 'notify.journalPrint(8, "x")'],
  ['a fraction of a level', 'notify.journalPrint(3.7, "x")'],
  ['words without a level', 'notify.journalPrint(["x"])'],
  ['an interval that is a bigint', 'notify.startWatchdogMode(1n)'],
]) {
  test(`throws a TypeError of ${what}`, async (t) => {
    const { said } = subject(t, `try { ${call}; say('nothing') } catch (error) { say(error.name) }`, { wrapped: false })
    assert.equal(await said(), 'TypeError')
  })
}

for (const [what, call, expected] of [
  ['a line break in a status', 'notify.sendStatus("a\\nREADY=1\\rSTOPPING=1")', 'STATUS=a READY=1 STOPPING=1'],
  ['a line break in an element', 'notify.sendState(["STATUS=a\\nREADY=1"])', 'STATUS=a READY=1'],
]) {
  test(`makes no assignment of ${what}`, async (t) => {
    assert.deepEqual((await sent(t, call)).texts, [expected])
  })
}

test('delivers a status that ends with a backslash, or is too long', async (t) => {
  const { texts } = await sent(t, 'notify.sendStatus("C:\\\\"); notify.sendStatus("x".repeat(5000))')
  assert.equal(texts[0], 'STATUS=C:\\\\')
  assert.match(texts[1], /^STATUS=x{4086}…$/)
})

test('leaves out what is no assignment, and warns once', async (t) => {
  const { texts, stderr } = await sent(t, `
    notify.sendState('a test'); notify.sendState(); notify.sendState(''); notify.sendState('status=x\\nSTATUS=y\\n=z')`)
  assert.deepEqual(texts, ['STATUS=y'])
  assert.equal([...stderr.matchAll(/\[AYE_STATE\] AyeWarning: .*"a test".*sendStatus/g)].length, 1, stderr)
})

test('sends assignments of a string and of an array in one message', async (t) => {
  const { texts, stderr } = await sent(t, `
    notify.sendState('READY=1\\nSTATUS=up = 1\\n')
    notify.sendState(['STATUS=loading', 'EXTEND_TIMEOUT_USEC=5000000'])
    notify.sendState('STATUS=first\\nSTATUS=second')`)
  assert.deepEqual(texts, ['READY=1\nSTATUS=up = 1', 'STATUS=loading\nEXTEND_TIMEOUT_USEC=5000000', 'STATUS=first'])
  assert.equal(stderr, '')
})

test('ignores the pid that it is given', async (t) => {
  const { socket, next } = await receiver(t)
  const { pid } = subject(t, 'notify.ready(1); notify.stopping(1); notify.stopping()', { socket })
  for (const text of ['READY=1', 'STOPPING=1', 'STOPPING=1']) {
    const message = await next()
    assert.deepEqual([message.text, message.pid], [text, pid])
  }
})

for (const [interval, env, expected] of [
  ['undefined', {}, 3000],
  ['2800', {}, 2800],
  ['"2800"', {}, 2800],
  ['-1', {}, 3000],
  ['NaN', {}, 3000],
  ['Infinity', {}, 2 ** 31 - 1],
  ['undefined', { WATCHDOG_USEC: '60000000' }, 30_000],
  ['2800', { WATCHDOG_USEC: '3000000' }, 1500],
  ['1000', { WATCHDOG_USEC: '3000000' }, 1000],
  ['undefined', { WATCHDOG_USEC: '1' }, 1],
  ['undefined', { WATCHDOG_USEC: '9223372036854775807' }, 2 ** 31 - 1],
  ['undefined', { WATCHDOG_USEC: '3000000', WATCHDOG_PID: '1' }, 3000],
]) {
  test(`beats every ${expected} ms when told ${interval} with ${JSON.stringify(env)}`, async (t) => {
    const { said } = subject(t, `
      const { setInterval: real } = globalThis
      globalThis.setInterval = (...call) => { say(call[1]); return real(...call) }
      notify.startWatchdogMode(${interval})`, { wrapped: false, env })
    assert.equal(await said(), expected)
  })
}

test('ends both heartbeats of two starts with one stop', async (t) => {
  const { said } = subject(t, `
    const timers = new Set()
    const { setInterval: set, clearInterval: clear } = globalThis
    globalThis.setInterval = (...call) => { const timer = set(...call); timers.add(timer); return timer }
    globalThis.clearInterval = (timer) => { timers.delete(timer); clear(timer) }
    notify.startWatchdogMode(1000)
    notify.startWatchdogMode(2000)
    say(timers.size)
    notify.stopWatchdogMode()
    say(timers.size)`, { wrapped: false })
  assert.deepEqual([await said(), await said()], [1, 0])
})

test('beats until it is stopped, and keeps no finished process alive', async (t) => {
  const { socket, next } = await receiver(t)
  const { child, exit } = subject(t, `
    notify.startWatchdogMode(5)
    process.stdin.once('data', () => { process.stdin.destroy() })`, { socket })
  for (let beat = 0; beat < 5; beat++) assert.equal((await next()).text, 'WATCHDOG=1')
  child.stdin.write('done')
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

test('tells the interval in whole milliseconds, of the environment as it is', async (t) => {
  const { said } = subject(t, `
    const of = (usec, pid) => {
      process.env.WATCHDOG_USEC = usec
      if (pid) process.env.WATCHDOG_PID = pid
      return notify.watchdogInterval()
    }
    say([of('2500999'), of('999'), of('junk'), of('0'), of('18446744073709551615'),
      of('3000000', String(process.pid)), of('3000000', '1')])`,
  { wrapped: false })
  assert.deepEqual(await said(), [2500, 0, 0, 0, 0, 3000, 0])
})

test('throws nothing where the environment may not be read', async (t) => {
  const { said, exit } = subject(t, `
    const refuse = () => { throw new Error('not permitted') }
    Object.defineProperty(process, 'env', { value: new Proxy({}, { get: refuse, has: refuse, ownKeys: refuse }) })
    say([notify.watchdogInterval(), notify.startWatchdogMode(1000), notify.log.info('nowhere')])`, { wrapped: false })
  assert.deepEqual(await said(), [0, null, null])
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

test('logs each name with its level, to a stream that is the journal\'s when there is no addon', async (t) => {
  const { exit } = subject(t, 'for (const name of Object.keys(notify.log)) notify.log[name](name, 1, "50% %s %n")', {
    wrapped: false,
    env: { NODE_OPTIONS: '--no-addons' },
    setup: 'export JOURNAL_STREAM=$(stat --dereference --format=%d:%i /proc/self/fd/2)',
  })
  const { status, stderr } = await exit
  assert.equal(stderr, Object.entries(LEVELS).map(([name, level]) => `<${level}>${name} 1 50% %s %n\n`).join(''))
  assert.equal(status, 0)
})

test('works in several worker threads', async (t) => {
  const { texts, stderr } = await sent(t, `
    const { Worker } = require('node:worker_threads')
    const { once } = require('node:events')
    const path = require.resolve('../../sd-notify.js')
    const worker = 'const [path, at] = require("node:worker_threads").workerData;' +
      'require(path).sendState("X_WORKER=" + at)'
    for (const at of [1, 2]) await once(new Worker(worker, { eval: true, workerData: [path, at] }), 'exit')`)
  assert.deepEqual([texts, stderr], [['X_WORKER=1', 'X_WORKER=2'], ''])
})

test('exports the same to require and to every way of import', async () => {
  const required = require('../sd-notify.js')
  const imported = await import('../sd-notify.js')
  assert.deepEqual(Object.keys(required).sort(), NAMES)
  assert.equal(imported.default, required)
  for (const name of NAMES) assert.equal(imported[name], required[name], name)
  assert.deepEqual(Object.keys(required.log), Object.keys(LEVELS))
})

test('declares a type for each export, and its manifest names files that are there', () => {
  const types = readFileSync(join(root, 'sd-notify.d.ts'), 'utf8')
  const declared = types.matchAll(/^export declare (?:function|const) (\w+)/gm)
  assert.deepEqual([...declared].map(([, name]) => name).sort(), NAMES)
  const { exports, files } = require('../package.json')
  for (const path of Object.values(exports['./sd-notify'])) {
    assert.ok(existsSync(join(root, path)) && files.includes(path.slice(2)), path)
  }
})
