// From the NDJSON of a run to where the bars of its report have to be: NAME.expected of check.js. The states of a unit are no
// events, so that all bars up to readiness are taken as one.
//
// usage: node expect.js RUN.ndjson
import { readFileSync } from 'node:fs'

const UNTIL_READY = 'jpdsl'
// Milliseconds between an event's being told here and there, on a busy machine; the events' own times are rounded to one, too.
const SLACK = 4
const HOOKS = { before: 'b', check: 'c', after: 'a', 'on-fail': 'f' }

const events = readFileSync(process.argv[2], 'utf8').trim().split('\n').map(line => JSON.parse(line))
const summary = events.at(-1)
if (summary?.event !== 'summary') throw new Error('the run has no summary')
const began = summary.ts / 1e3 - summary.elapsed_ms
const bars = []
const open = new Map() // unit: { name, from }
const started = new Map()

function close(unit, to) {
  const bar = open.get(unit)
  if (bar) bars.push({ unit, ...bar, to })
  open.delete(unit)
}

function begin(unit, name, from) {
  close(unit, from)
  open.set(unit, { name, from })
}

const heard = {
  unit_start: ({ unit }, at) => {
    started.set(unit, at)
    begin(unit, UNTIL_READY, at)
  },
  ready: ({ unit }, at) => close(unit, at),
  soak: ({ unit }, at) => begin(unit, 'k', at),
  hook: ({ unit, hook, took_ms: took }, at) => {
    close(unit, at - took)
    bars.push({ unit, name: HOOKS[hook], from: at - took, to: at })
  },
  unit_ok: ({ unit }, at) => close(unit, at),
  unit_failed: ({ unit }, at) => close(unit, at)
}

for (const event of events) {
  const start = started.get(event.unit)
  heard[event.event]?.(event, start === undefined ? event.ts / 1e3 - began : start + event.elapsed_ms)
}
console.log(['total', '', SLACK, summary.elapsed_ms].join('\t'))
for (const { unit, name, from, to } of bars) {
  console.log([unit.replace(/\.service$/, ''), name, from.toFixed(3), to.toFixed(3)].join('\t'))
}
