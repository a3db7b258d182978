// The whole of `aye restart` over what its units need by themselves, and over a loop of `systemctl restart` in the same
// minute; and the gap from READY=1 to the next job. The runs alternate. Lines of text; exits 1 when a limit is missed.
// Usage: node cost.mjs AYE ROUNDS UNIT...

import { at, needed, restart, spread, timed } from './rolling.mjs'

const MOST_OVER_IDEAL = 1.03
const MOST_GAP_MS = 2

const [aye, rounds, ...units] = process.argv.slice(2)
const over = { aye: [], loop: [] }
const totals = { aye: [], loop: [] }
const gaps = []

async function ours() {
  const run = await restart(aye, units)
  gaps.push(run.gaps)
  totals.aye.push(run.wall)
  over.aye.push(run.wall / needed(units))
}

async function loop() {
  const wall = await timed('/bin/sh', ['-c', 'for unit; do systemctl restart "$unit"; done', 'loop', ...units])
  totals.loop.push(wall)
  over.loop.push(wall / needed(units))
}

for (let round = 0; round < Number(rounds); round++) {
  for (const run of round % 2 ? [loop, ours] : [ours, loop]) await run()
}
const all = gaps.flat()
const medians = gaps.map((run) => at(run, 0.5))
const ratios = totals.aye.map((wall, round) => wall / totals.loop[round])
console.log(`${units.length} units, ${rounds} runs of each: middle (least to most)`)
console.log(`aye restart: ${spread(totals.aye, 0)} ms, over the ideal ${spread(over.aye, 4)}`)
console.log(`for unit; do systemctl restart: ${spread(totals.loop, 0)} ms, over its ideal ${spread(over.loop, 4)}`)
console.log(`aye restart over the loop: ${spread(ratios, 4)}`)
console.log(`READY to the next job: median ${spread(medians, 2)} ms, 90 % ${at(all, 0.9).toFixed(2)} ms of ${all.length}`)

const missed = []
if (at(over.aye, 0.5) > MOST_OVER_IDEAL) missed.push(`over the ideal at most ${MOST_OVER_IDEAL}`)
if (at(ratios, 0.5) >= 1) missed.push('less than the loop')
if (at(medians, 0.5) >= MOST_GAP_MS) missed.push(`median gap under ${MOST_GAP_MS} ms`)
if (all.length !== Number(rounds) * (units.length - 1)) missed.push('a gap before each unit but the first')
for (const limit of missed) console.log(`MISSED: ${limit}`)
process.exitCode = missed.length ? 1 : 0
