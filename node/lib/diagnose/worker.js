'use strict'

// The worker that looks on, see inspector.js. While beats come it is one timer; when one is overdue it connects to the
// main thread, pauses it, reads the stack and lets it go. A loop in native code does not pause, so that is said after a
// while, and the stack follows when native code comes back.

const { readFileSync, writeSync } = require('node:fs')
const { Session } = require('node:inspector')
const { workerData: { buffer, terms } } = require('node:worker_threads')

const { clock, create } = require('./memory.js')
const report = require('./report.js')

// For a system call; and for native code that computes, since JavaScript looks the same on a machine that gives it no time
// to answer.
const PATIENCE_MS = 250
const LONG_PATIENCE_MS = 1000
// A timer that is so late means that the whole process stood still (SIGSTOP, a busy machine): the loop is given as long
// to beat, and once more when that timer is late, too.
const LATE_MS = 100
const RETRY_MS = 50

const shared = create(buffer)
const margin = (terms.limit - terms.interval) / 2
const overdue = terms.interval + margin
let said = null

function wake(after) {
  const due = clock() + after
  setTimeout(() => (clock() - due > LATE_MS ? wake(LATE_MS) : look()), after)
}

function look() {
  const beat = shared.lastBeat()
  const left = beat + overdue - clock()
  if (left > 0) return wake(left)
  // No beat that came meanwhile can be overdue any sooner.
  if (said === beat) return wake(overdue)
  said = beat
  ask(beat, () => wake(overdue))
}

function ask(beat, done) {
  const since = beat + terms.interval
  const scripts = new Map()
  const session = new Session()
  let late = false
  let answers = false
  let waiting
  session.connectToMainThread()
  session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params.url))
  session.on('Debugger.paused', ({ params }) => {
    if (shared.lastBeat() === beat) show(params.callFrames.map((frame) => toFrame(frame, scripts)))
    session.post('Debugger.resume')
    over()
  })
  // Cheap, unlike the next one, whose answer can take a while: only JavaScript that runs is interrupted to answer it.
  session.post('Runtime.getIsolateId', () => { answers = true })
  session.post('Debugger.enable')
  session.post('Debugger.pause')
  const first = Math.min(PATIENCE_MS, margin / 2)
  const last = Math.min(LONG_PATIENCE_MS, margin * 7 / 8)
  let patience = setTimeout(() => {
    if (shared.lastBeat() !== beat) return over()
    waiting = setInterval(() => { if (shared.lastBeat() !== beat) over() }, RETRY_MS)
    if (answers) return
    if (state() === 'S') return blame()
    patience = setTimeout(() => { if (!answers && shared.lastBeat() === beat) blame() }, last - first)
  }, first)

  function blame() {
    late = true
    tell(since, `in native code, ${doing()}`, report.stuckIn)
  }

  function show(frames) {
    if (frames.length > 0) tell(since, report.place(frames, late), (times) => report.stack(times, late, frames))
  }

  function over() {
    clearTimeout(patience)
    clearInterval(waiting)
    session.removeAllListeners()
    session.disconnect()
    done()
  }
}

function toFrame({ functionName, url, location }, scripts) {
  const script = url || scripts.get(location.scriptId) || ''
  return { name: functionName, script, line: location.lineNumber + 1, column: (location.columnNumber ?? 0) + 1 }
}

function tell(since, place, words) {
  const now = clock()
  const times = { blocked: now - since, silent: now - shared.lastBeat(), limit: terms.limit }
  // This thread has the process's descriptors and environment, and so the same way to the manager.
  require('../../index.js').status(report.status(times.blocked, place))
  try {
    writeSync(2, words(times, place))
  } catch {
    // nobody reads it
  }
  // Last: a beat that comes before takes nothing back, and the next one does.
  shared.say(since, place)
}

function doing() {
  const letter = state()
  if (!letter) return 'busy or waiting'
  return letter === 'R' ? 'busy' : 'waiting'
}

/** The main thread's, which comes after its name in proc_pid_stat(5): S in a system call, R, or D for a page that is to come. */
function state() {
  try {
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
  } catch {
    return undefined
  }
}

look()
