// What `aye restart` itself costs per unit, and whether that grows with their number: runs of the first 100, 300 and
// 1,000 of the same units, in turn. Lines of text; exits 1 when a limit is missed.
// Usage: node overhead.mjs AYE ROUNDS UNIT...

import { at, restart, spread } from './rolling.mjs'

const MOST_OVERHEAD_MS = 2
const MOST_MEMORY_KB = 20 * 1024
// How much more per unit at ten times the units is no growth but noise.
const MOST_GROWTH = 1.25

const [aye, rounds, ...units] = process.argv.slice(2)
const sizes = [100, 300, 1000]
const runs = new Map(sizes.map((size) => [size, []]))

if (units.length < sizes.at(-1)) throw new Error(`expected ${sizes.at(-1)} units and got ${units.length}`)
for (let round = 0; round < Number(rounds); round++) {
  const order = round % 2 ? [...sizes].reverse() : sizes
  for (const size of order) runs.get(size).push(await restart(aye, units.slice(0, size)))
}

const middle = (size, figure) => at(runs.get(size).map(figure), 0.5)
const gap = (run) => at(run.gaps, 0.5)
for (const size of sizes) {
  const of = (figure) => runs.get(size).map(figure)
  console.log(`${size} units: READY to the next job ${spread(of(gap), 3)} ms;`
    + ` own CPU ${spread(of((run) => run.cpu), 3)} ms a unit;`
    + ` until the first job ${spread(of((run) => run.before), 0)} ms;`
    + ` memory ${spread(of((run) => run.peak / 1024), 1)} MB`)
}

const missed = []
for (const size of sizes) {
  if (middle(size, gap) >= MOST_OVERHEAD_MS) missed.push(`${size} units: gap under ${MOST_OVERHEAD_MS} ms`)
  if (middle(size, (run) => run.cpu) < MOST_OVERHEAD_MS) continue
  missed.push(`${size} units: CPU per unit under ${MOST_OVERHEAD_MS} ms`)
}
for (const [name, figure] of [['gap', gap], ['CPU per unit', (run) => run.cpu]]) {
  const growth = middle(sizes.at(-1), figure) / middle(sizes[0], figure)
  console.log(`${name}, ${sizes.at(-1)} units over ${sizes[0]}: ${growth.toFixed(2)}`)
  if (growth > MOST_GROWTH) missed.push(`${name} does not grow: at most ${MOST_GROWTH}`)
}
if (middle(sizes.at(-1), (run) => run.peak) >= MOST_MEMORY_KB) missed.push(`memory under ${MOST_MEMORY_KB / 1024} MB`)
for (const limit of missed) console.log(`MISSED: ${limit}`)
process.exitCode = missed.length ? 1 : 0
