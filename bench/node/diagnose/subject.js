'use strict'

// The program under measure: with or without a watch over its loop, it settles, then says what memory it takes and how long
// two kinds of work take it. argv: off, addon or inspector.

const { readFileSync, writeSync } = require('node:fs')

const { load } = require('../../../node/lib/addon.js')
const { create } = require('../../../node/lib/diagnose.js')

const INTERVAL_MS = 1000
// So short that the loop is never late.
const AWAITS = 200_000
const SPINS = 10_000_000
const TIMES = 100

const [, , mode] = process.argv
const native = load().native
if (native === null) throw new Error('the addon is missing: make addon')
const warn = (text) => { throw new Error(text) }
const common = { connection: null, intervalMs: INTERVAL_MS, usec: BigInt(INTERVAL_MS * 2000), offer: () => true, warn }
const watch = mode === 'off' ? null : create({ ...common, native: mode === 'addon' ? native : null })

watch?.arm()
const timer = setInterval(() => watch?.beat(), INTERVAL_MS)

/** In KiB: all that is resident, and what of it is this process's alone, which varies less. */
function memory() {
  global.gc()
  const rollup = readFileSync('/proc/self/smaps_rollup', 'latin1')
  const figure = (name) => Number(rollup.match(new RegExp(`^${name}: +(\\d+)`, 'm'))[1])
  return { rss: figure('Rss'), dirty: figure('Private_Dirty') }
}

async function awaits() {
  for (let n = 0; n < AWAITS; n++) await null
}

function spins() {
  let sum = 0
  for (let n = 0; n < SPINS; n++) sum = (sum + n * n) | 0
  return sum
}

async function time(work) {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e6
}

async function turn() {
  await new Promise((resolve) => setTimeout(resolve, 5))
}

async function main() {
  await new Promise((resolve) => setTimeout(resolve, 2 * INTERVAL_MS))
  const taken = memory()
  let await_ = Infinity
  let spin = Infinity
  for (let n = 0; n < TIMES; n++) {
    await_ = Math.min(await_, await time(awaits))
    await turn()
    spin = Math.min(spin, await time(spins))
    await turn()
  }
  clearInterval(timer)
  watch?.disarm()
  writeSync(1, JSON.stringify({ ...taken, await: await_, spin }) + '\n')
}

main()
