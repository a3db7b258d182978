// One run of `aye restart --json`, taken to pieces: how long it took, what its units themselves needed of that by the
// manager's stamps, and what the command itself used.

import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** Runs a command to its end; gives its wall-clock time in ms. Anything but 0 is an error. */
export async function timed(command, words, line) {
  const begin = performance.now()
  const child = spawn(command, words, { stdio: ['ignore', line ? 'pipe' : 'ignore', 'inherit'] })
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ how: code ?? signal, wall: performance.now() - begin }))
  })
  if (line) for await (const text of createInterface({ input: child.stdout })) line(JSON.parse(text), child.pid)
  const { how, wall } = await ended
  if (how !== 0) throw new Error(`${command} ended with ${how}`)
  return wall
}

/** What the process has used: ms of CPU in all its threads (proc(5), schedstat), and its peak of memory, in KB. */
function used(pid) {
  let ns = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
  }
  const [, peak] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+) kB$/m)
  return { cpu: ns / 1e6, peak: Number(peak) }
}

/** What it used up to now; undefined when it has ended already, so that the event before tells the last of it. */
function usedNow(pid) {
  try {
    return used(pid)
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(error.code) || error instanceof TypeError) return undefined
    throw error
  }
}

/**
 * Restarts the units with aye. `gaps` are the ms from each READY=1, when the manager heard it, to the enqueuing of the
 * next job; `cpu` the ms of CPU per unit between the first job and the last unit that was still seen; `before` the ms
 * until the first job was enqueued; `peak` the most memory, in KB.
 */
export async function restart(aye, units) {
  const gaps = []
  const enqueued = new Map()
  let readyAt, first, last, before
  let done = 0
  const begin = performance.now()
  const wall = await timed(aye, ['restart', '--json', '--progress=quiet', ...units], (event, pid) => {
    if (event.event === 'unit_start') {
      before ??= performance.now() - begin
      first ??= usedNow(pid)
      enqueued.set(event.unit, event.enqueued_monotonic_usec)
      if (readyAt !== undefined) gaps.push((event.enqueued_monotonic_usec - readyAt) / 1000)
    }
    if (event.event === 'ready') readyAt = event.ready_monotonic_usec
    if (event.event === 'unit_ok') done++
    // Seldom, because looking takes a processor's time, too; and always towards the end.
    if (event.event === 'summary' || (event.event === 'unit_ok' && (done % 25 === 0 || done > units.length - 3))) {
      const now = usedNow(pid)
      if (now) last = { ...now, done }
    }
  })
  if (done !== units.length) throw new Error(`aye restart told of ${done} of ${units.length} units that they are done`)
  if (last.done < done * 0.9) throw new Error(`aye restart was seen for ${last.done} of its ${done} units only`)
  return { wall, gaps, enqueued, before, peak: last.peak, cpu: (last.cpu - first.cpu) / last.done }
}

/**
 * Where the time of the units' last restart went, by the manager's stamps, in ms: the sum of stopping and starting, and
 * what lies between the two. With the `enqueued` stamps of a run by unit, also from the job to the stopping.
 */
export function needed(units, enqueued = new Map()) {
  const steps = ['ActiveExit', 'InactiveEnter', 'InactiveExit', 'ActiveEnter']
  const names = steps.map((step) => `${step}TimestampMonotonic`)
  const options = ['Id', ...names].map((name) => `--property=${name}`)
  const text = execFileSync('systemctl', ['show', ...options, ...units], { encoding: 'utf8' })
  const sum = { ideal: 0, between: 0, queued: 0 }
  for (const block of text.trim().split('\n\n')) {
    const at = Object.fromEntries(block.split('\n').map((line) => line.split('=')))
    const [left, stopped, began, active] = names.map((name) => Number(at[name]))
    if (!(left > 0 && left <= stopped && stopped <= began && began <= active)) {
      throw new Error(`the stamps are no restart: ${block.replaceAll('\n', ' ')}`)
    }
    sum.ideal += (stopped - left + active - began) / 1000
    sum.between += (began - stopped) / 1000
    // The manager may be at work before its reply has been read: then nothing was waited for.
    sum.queued += Math.max(0, left - (enqueued.get(at.Id) ?? left)) / 1000
  }
  return sum
}

// systemd's catalogue (systemd/sd-messages.h): stopping, stopped, starting, started.
const STEPS = new Map([
  ['de5b426a63be47a7b6ac3eaac82e2f6f', 'stopping'],
  ['9d1aaa27d60140bd96365438aad20286', 'stopped'],
  ['7d4958e842da4a758f6c1cdc7b36dcc5', 'starting'],
  ['39f53479d3a045ac8e11786248231fbf', 'started'],
])

/** The journal's stamp of an entry, in microseconds: when PID 1 sent it or, untold, when it was received. */
const stamp = (entry) => Number(entry._SOURCE_BOOTTIME_TIMESTAMP ?? entry.__MONOTONIC_TIMESTAMP)

/** The ms that the units spent stopping and starting in their last restart, by PID 1's lines in the journal. */
export function logged(units) {
  execFileSync('journalctl', ['--sync'])
  const text = execFileSync('journalctl', ['--quiet', '--boot', '--output=json', '_PID=1'], {
    encoding: 'utf8', maxBuffer: 1 << 30,
  })
  const last = new Map(units.map((unit) => [unit, {}]))
  for (const line of text.trim().split('\n')) {
    const entry = JSON.parse(line)
    const step = STEPS.get(entry.MESSAGE_ID)
    if (step && last.has(entry.UNIT)) last.get(entry.UNIT)[step] = stamp(entry)
  }
  let sum = 0
  for (const [unit, { stopping, stopped, starting, started }] of last) {
    if (!(stopping <= stopped && stopped <= starting && starting <= started)) {
      throw new Error(`the journal tells of no restart of ${unit}: ${[stopping, stopped, starting, started]}`)
    }
    sum += stopped - stopping + started - starting
  }
  return sum / 1000
}

/** The value below which `share` of them are. */
export function at(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

/** The middle one, and between which two they all are. */
export function spread(values, digits) {
  const [least, middle, most] = [0, 0.5, 1].map((share) => at(values, share).toFixed(digits))
  return `${middle} (${least} to ${most})`
}
