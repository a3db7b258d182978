'use strict'

// A diagnosed loop and its end: threads that are stopped while they are stuck, processes that exit in the middle of a
// report, and which loop it is that a report is about. What goes wrong here is a crash, so every exit status counts.

const assert = require('node:assert/strict')
const { writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')

const { create } = require('../lib/diagnose.js')
const { WAYS, watched } = require('./diagnose/service.js')

const AYE = JSON.stringify(join(__dirname, '..'))
const BLOCKS = JSON.stringify(join(__dirname, 'diagnose/blocks.js'))
const THREAD = `
  const aye = require(${AYE}), blocks = require(${BLOCKS})
  aye.watchdog.start({ diagnose: true })
  setInterval(() => {}, 1000)
  setImmediate(() => { MODE })`
const threadOf = (code) => `new (require('worker_threads').Worker)(${JSON.stringify(code)}, { eval: true })`
const thread = (mode) => threadOf(THREAD.replace('MODE', mode))

const TERMS = { native: null, connection: null, intervalMs: 500, usec: 1_000_000n, offer: () => true }

test('says once what is missing where nobody can look, and beats on', () => {
  const warnings = []
  const blind = () => { throw new Error('no eyes') }
  const watch = create({ ...TERMS, warn: (text, code) => warnings.push(`${code} ${text}`) }, blind)
  watch.arm()
  watch.beat()
  watch.disarm()
  const text = 'AYE_DIAGNOSE nothing will say where the event loop is stuck: no eyes; heartbeats go on'
  assert.deepEqual(warnings, [text])
})

test('takes the second way when the addon finds no V8 that it knows', () => {
  const calls = []
  const native = { watch: (...given) => { calls.push(given); return 0 }, beat: () => assert.fail('nobody watches') }
  const inspect = (given) => ({ beat: () => { calls.push(given) }, end: () => calls.push('end') })
  const watch = create({ ...TERMS, native }, inspect)
  watch.arm()
  watch.beat()
  watch.disarm()
  const given = { interval: 500, limit: 1000 }
  assert.deepEqual(calls, [[null, 500, 1000], given, given, 'end'])
})

test('arms once, and what was said of the loop is taken back when it is disarmed', () => {
  const calls = []
  const sent = []
  const native = { watch: () => calls.push('watch'), beat: () => 'it was stuck', unwatch: () => calls.push('unwatch') }
  const watch = create({ ...TERMS, native, offer: (bytes) => sent.push(String(bytes)), status: () => 'a\nb' })
  watch.arm()
  watch.arm()
  watch.disarm()
  watch.disarm()
  watch.beat()
  assert.deepEqual([calls, sent], [['watch', 'unwatch'], ['STATUS=a b']])
})

test('without the addon a worker hears that only the main thread can be asked, and its heartbeats go on', async (t) => {
  const { next, line } = await watched(t, () => 'aye.watchdog.stop(); ' + thread(''), { way: 'inspector' })
  assert.match(await line(), /\[AYE_DIAGNOSE\] AyeWarning: nothing will say .*: without the addon only the main thread/)
  for (let beats = 0; beats < 4; beats++) assert.equal((await next()).text, 'WATCHDOG=1')
})

test('a watchdog that a worker starts is about the loop of that worker', async (t) => {
  const { status, line } = await watched(t, () => 'aye.watchdog.stop(); ' + thread('blocks.parse()'))
  assert.match(await status(), /^event loop blocked \d\.\d s in parse \(blocks\.js:\d+\)$/)
  await line()
  assert.match(await line(), /^ {4}at parse /)
})

test('a main thread that is stuck is not what a worker\'s watchdog speaks of', async (t) => {
  const { next, said, exit, folder } = await watched(t, (folder) => `
    aye.watchdog.stop()
    ${thread('')}
    say(1)
    blocks.run('sh', '-c', 'until [ -e ${folder}/on ]; do sleep 0.1; done')
    process.exit()`)
  await said()
  for (let beats = 0; beats < 6; beats++) assert.equal((await next()).text, 'WATCHDOG=1')
  writeFileSync(join(folder, 'on'), '')
  assert.deepEqual(await exit, { status: 0, stderr: '' })
})

test('threads that are terminated while they are stuck leave a process that goes on', async (t) => {
  const modes = ['blocks.parse()', 'blocks.lock()', 'blocks.chain()', 'blocks.run("sleep", "1")', '']
  const { status, said, exit } = await watched(t, () => `
    aye.watchdog.stop()
    const threads = [${[...modes, ...modes].map(thread).join(', ')}]
    process.once('SIGUSR2', async () => {
      for (const thread of threads) await thread.terminate()
      say('terminated')
      process.exit()
    })
    say(process.pid)`)
  const pid = await said()
  assert.match(await status(), /^event loop blocked /)
  process.kill(pid, 'SIGUSR2')
  assert.equal(await said(), 'terminated')
  assert.equal((await exit).status, 0)
})

for (const way of Object.keys(WAYS)) {
  test(`${way}: a process may exit before, in and after a report`, async (t) => {
    await Promise.all([730, 750, 760, 780, 800, 900].map(async (ms) => {
      const { exit } = await watched(t, () => `
        const end = performance.now() + ${ms}
        while (performance.now() < end);
        process.exit(7)`, { way })
      assert.equal((await exit).status, 7, `blocked for ${ms} ms`)
    }))
  })
}

for (const way of Object.keys(WAYS)) {
  test(`${way}: says nothing of a process that was stopped as a whole`, async (t) => {
    const ends = 'process.once("SIGTERM", () => process.exit())'
    const { child, next, exit } = await watched(t, () => ends, { way })
    const clock = await watched(t, () => '')
    await next()
    await next()
    child.kill('SIGSTOP')
    for (let beats = 0; beats < 5;) if ((await clock.next()).text === 'WATCHDOG=1') beats++
    child.kill('SIGCONT')
    for (let beats = 0; beats < 4; beats++) assert.equal((await next()).text, 'WATCHDOG=1')
    child.kill('SIGTERM')
    assert.deepEqual(await exit, { status: 0, stderr: '' })
  })
}
