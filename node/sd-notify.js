'use strict'

// The interface of the npm package sd-notify 2.8.0 on this package's own functions, so that a program changes one line,
// require('aye/sd-notify'), and keeps its calls: they return undefined, take what they took, and do nothing where there
// is no systemd. What differs, because it was a fault, is said beside it, and is a row of differential.test.mjs.

const aye = require('./index.js')

const DEFAULT_MS = 3000
const ASSIGNMENT = /^([A-Z0-9_]+)=(.*)$/s

let print = null
let timer = null
let stateWarned = false

function warn(text, code) {
  process.emitWarning(text, { type: 'AyeWarning', code })
}

// There, `stopping` sends in the name of any pid it is given, which systemd grants to root alone.
function ready() {
  aye.ready()
}

function stopping() {
  aye.stopping()
}

function watchdog() {
  aye.watchdog.ping()
}

/** Text stays text here; there, a line break in it began another assignment. */
function sendStatus(text) {
  aye.status('' + text)
}

/**
 * Assignments, in a string with a line for each or in an array, as the types of DefinitelyTyped have it; there, an
 * array became one assignment with commas in it. Of a key that comes twice systemd takes the first, and so does this.
 */
function sendState(state) {
  const fields = {}
  for (const line of Array.isArray(state) ? state : `${state}`.split(/[\n\r]+/)) {
    const [, key, value] = ASSIGNMENT.exec(line) ?? []
    if (key !== undefined) fields[key] ??= value
    else if (line !== '') warnOfState(line)
  }
  if (Object.keys(fields).length > 0) aye.notify(fields)
}

function warnOfState(line) {
  if (stateWarned) return
  stateWarned = true
  warn(`sendState was given ${JSON.stringify(line)}, which is no assignment such as STATUS=text: systemd would ` +
    'ignore it, so it is not sent; for a status call sendStatus', 'AYE_STATE')
}

/** Read at each call, as there: a program may change its environment. */
function watchdogUsec() {
  const env = { WATCHDOG_USEC: variable('WATCHDOG_USEC'), WATCHDOG_PID: variable('WATCHDOG_PID') }
  return require('./lib/environment.js').read(env, process.pid, () => false).watchdog.usec
}

/** Deno throws for a variable that --allow-env does not name. */
function variable(name) {
  try {
    return process.env[name]
  } catch {
    return undefined
  }
}

/** WATCHDOG_USEC in whole milliseconds; 0 without a watchdog, or when it waits for another process. */
function watchdogInterval() {
  return Number((watchdogUsec() ?? 0n) / 1000n)
}

/** Never less often than at half of systemd's timeout; there, every 3 s unless told, however short the timeout was. */
function heartbeatMs(interval) {
  const usec = watchdogUsec()
  const asked = +interval
  if (usec === null) return asked > 0 ? Math.min(asked, require('./lib/argument.js').LONGEST_MS) : DEFAULT_MS
  const half = require('./lib/watchdog.js').intervalMs(usec)
  return asked > 0 ? Math.min(asked, half) : half
}

/** A second call takes the place of the first; there, no call could stop the first timer any more. */
function startWatchdogMode(interval) {
  const delay = heartbeatMs(interval)
  stopWatchdogMode()
  watchdog()
  timer = setInterval(watchdog, delay).unref()
}

function stopWatchdogMode() {
  clearInterval(timer)
  timer = null
}

/** Text is text; there, it was a format of printf(3), and a `%s` in it could end the process. */
function journalPrint(level, ...words) {
  if (!Number.isInteger(level) || level < 0 || level > 7) {
    throw new TypeError('journalPrint takes a level from 0 (emerg) to 7 (debug) and then its text, ' +
      `not ${typeof level} ${String(level)}`)
  }
  print ??= openJournal()
  print(level, words.join(' '))
}

function openJournal() {
  return require('./lib/journal.js').create({
    stream: variable('JOURNAL_STREAM'),
    identifier: require('node:path').basename(process.argv0),
    addon: () => require('./lib/addon.js').load(),
    warn,
  })
}

const at = (level) => (...words) => journalPrint(level, ...words)

const log = {
  emerg: at(0),
  emergency: at(0),
  alert: at(1),
  crit: at(2),
  critical: at(2),
  err: at(3),
  error: at(3),
  warning: at(4),
  warn: at(4),
  notice: at(5),
  info: at(6),
  debug: at(7),
}

module.exports = {
  ready,
  stopping,
  watchdog,
  watchdogInterval,
  sendState,
  sendStatus,
  startWatchdogMode,
  stopWatchdogMode,
  journalPrint,
  log,
}
