'use strict'

// A service whose event loop is stuck says where, before its manager's patience is over: real processes that block, in
// JavaScript and in native code, before a real receiver. Nothing here tells a process how long to block.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')

const { WAYS, watched } = require('./diagnose/service.js')

const BLOCKS = join(__dirname, 'diagnose/blocks.js')
const LINE = readFileSync(BLOCKS, 'utf8').split('\n').findIndex((text) => /the line that a report names/.test(text)) + 1
const HEAD = /^aye: event loop blocked for \d\.\d s; the last heartbeat was \d\.\d s ago, the watchdog waits for 1/
const NATIVE = '^event loop blocked \\d\\.\\d s in native code, waiting in '
const until = (folder) => join(folder, 'on')

for (const way of Object.keys(WAYS)) {
  test(`${way}: names the function, the file and the line in STATUS, and has the stack on stderr`, async (t) => {
    const { status, line } = await watched(t, () => 'blocks.parse()', { way })
    assert.match(await status(), new RegExp(`^event loop blocked \\d\\.\\d s in parse \\(blocks\\.js:${LINE}\\)$`))
    assert.match(await line(), HEAD)
    assert.match(await line(), /^ {4}at parse \(.*\/diagnose\/blocks\.js:\d+:\d+\)$/)
    assert.match(await line(), /^ {4}at /)
  })

  test(`${way}: says that it is over, gives the program its status back, and reports the next block`, async (t) => {
    const { status, line, folder } = await watched(t, (folder) => `
      blocks.parse('${folder}/1')
      setImmediate(() => setTimeout(() => blocks.parse('${folder}/2'), 600))`, { way, before: 'aye.ready("serving")' })
    assert.equal(await status(), 'serving')
    for (const name of ['1', '2']) {
      assert.match(await status(), /^event loop blocked .* in parse /)
      assert.match(await line(), HEAD)
      writeFileSync(join(folder, name), '')
      assert.equal(await status(), 'serving')
      let said = await line()
      while (said.startsWith('    at ')) said = await line()
      assert.match(said, /^aye: event loop runs again after \d+\.\d s in parse \(blocks\.js:\d+\)$/)
    }
  })

  test(`${way}: says in the past tense what blocked a program that has no status of its own`, async (t) => {
    const { status, folder } = await watched(t, (folder) => `blocks.parse('${until(folder)}')`, { way })
    assert.match(await status(), /^event loop blocked /)
    writeFileSync(until(folder), '')
    assert.match(await status(), /^event loop was blocked \d\.\d s in parse \(blocks\.js:\d+\)$/)
  })

  test(`${way}: names the function in which only promises have a turn`, async (t) => {
    const { status } = await watched(t, () => 'blocks.chain()', { way })
    assert.match(await status(), /^event loop blocked \d\.\d s in (step|chain) \(blocks\.js:\d+\)$/)
  })

  test(`${way}: no name of the program can start another line or assignment`, async (t) => {
    const { next, line } = await watched(t, () => 'blocks.odd(\'\')', { way })
    let message = await next()
    while (message.text === 'WATCHDOG=1') message = await next()
    assert.deepEqual(message.assignments.map(([key]) => key), ['STATUS'])
    assert.match(await line(), HEAD)
    let said = await line()
    while (said.includes('parse')) said = await line()
    assert.match(said, /^ {4}at .*a READY=1 \\x \(/)
  })

  test(`${way}: says that native code computes`, async (t) => {
    const { status, line } = await watched(t, () => 'blocks.digest()', { way })
    assert.match(await status(), /^event loop blocked \d\.\d s in native code, busy$/)
    assert.match(await line(), /^aye: event loop blocked for \d\.\d s in native code, busy; the last heartbeat was /)
  })

  test(`${way}: a process that is stuck dies of the manager's SIGABRT as any other`, async (t) => {
    const { child, status, exit } = await watched(t, () => 'blocks.parse()', { way })
    await status()
    child.kill('SIGABRT')
    assert.equal((await exit).status, 'SIGABRT')
  })

  test(`${way}: has nothing to say of a loop that turns, however busy`, async (t) => {
    const { said, next, exit } = await watched(t, () => `
      let ends = false
      process.once('SIGTERM', () => { ends = true })
      const work = () => { if (ends) process.exit(); Buffer.alloc(1e6).toString('hex'); setImmediate(work) }
      work()
      say(process.pid)`, { way, usec: 2_000_000 })
    const pid = await said()
    for (let beats = 0; beats < 5; beats++) assert.equal((await next()).text, 'WATCHDOG=1')
    process.kill(pid)
    assert.deepEqual(await exit, { status: 0, stderr: '' })
  })

  test(`${way}: says nothing of a loop that turns while a gate holds its heartbeats back`, async (t) => {
    const { said, exit } = await watched(t, () => '', { way, before: `
      let rounds = 0
      aye.watchdog.start({ gates: [() => { if (++rounds > 5) { say(rounds); process.exit() } return false }] })` })
    assert.equal(await said(), 6)
    const { status, stderr } = await exit
    assert.equal(status, 0)
    assert.deepEqual(stderr.split('\n').filter((text) => text.startsWith('aye:')), [])
  })

  test(`${way}: says nothing once the watchdog was stopped`, async (t) => {
    const { said, exit } = await watched(t, () => `
      aye.watchdog.stop()
      require('child_process').execFileSync('sleep', ['1.5'])
      say('done')
      process.exit()`, { way })
    assert.equal(await said(), 'done')
    assert.deepEqual(await exit, { status: 0, stderr: '' })
  })

  test(`${way}: a process with nothing left to do ends`, async (t) => {
    const { exit } = await watched(t, () => '', { way, stays: false })
    assert.deepEqual(await exit, { status: 0, stderr: '' })
  })
}

test('names the call, the descriptor and what is behind it when native code waits', async (t) => {
  const { status, line, folder } = await watched(t, (folder) => `blocks.load('${folder}/fifo')`, { prepare: fifo })
  assert.match(await status(), new RegExp(`${NATIVE}read\\(2\\) of descriptor \\d+ \\(${folder}/fifo\\)$`))
  assert.match(await line(), /^aye: event loop blocked for \d\.\d s in native code, waiting in read\(2\) of desc/)
  writeFileSync(join(folder, 'fifo'), 'x')
  assert.match(await line(), /^aye: native code came back after \d\.\d s to$/)
  assert.match(await status(), /^event loop blocked \d\.\d s in native code called by (load|parse) \(blocks\.js:\d+\)$/)
})

test('names the child that a synchronous call waits for', async (t) => {
  const { status } = await watched(t, () => 'blocks.run(\'sleep\', \'600\')')
  assert.match(await status(),
    new RegExp(`${NATIVE}epoll_p?wait\\(2\\) as execFileSync does; newest child \\d+ \\(sleep\\)$`))
})

test('sees through Atomics.wait', async (t) => {
  const { status } = await watched(t, () => 'blocks.lock()')
  assert.match(await status(), /^event loop blocked \d\.\d s in lock \(blocks\.js:\d+\)$/)
})

function fifo(folder) {
  assert.equal(spawnSync('mkfifo', [join(folder, 'fifo')]).status, 0)
}
