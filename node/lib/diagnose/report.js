'use strict'

// The words for stderr and STATUS, those of the addon's (node/addon/src/diagnose/report.rs). Pure; times are
// milliseconds.

const MOST_FRAMES = 32
// A line break in a function's name would start another entry of the journal.
const BREAKS = /[\0-\x1f\x7f-\x9f\u2028\u2029]/g

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`
const plain = (name) => name.replace(BREAKS, ' ')
const path = (script) => plain(script).replace(/^file:\/\//, '')

/** `/srv/app/app.js:33:5`, `parse (/srv/app/app.js:33:5)` */
function full({ name, script, line, column }) {
  const at = `${path(script) || '<anonymous>'}:${line}:${column}`
  return name ? `${plain(name)} (${at})` : at
}

/** `app.js:33`, `parse (app.js:33)` */
function short({ name, script, line }) {
  const at = `${path(script).split('/').pop() || '<anonymous>'}:${line}`
  return name ? `${plain(name)} (${at})` : at
}

/** Where to look: the innermost function that is the program's own rather than Node's. */
function place(frames, late) {
  const frame = frames.find(({ script }) => script !== '' && !script.startsWith('node:')) ?? frames[0]
  return `${late ? 'in native code called by' : 'in'} ${short(frame)}`
}

function watchdog({ silent, limit }) {
  return `; the last heartbeat was ${seconds(silent)} ago, the watchdog waits for ${seconds(limit)}\n`
}

function stack(times, late, frames) {
  const head = late
    ? `aye: native code came back after ${seconds(times.blocked)} to\n`
    : `aye: event loop blocked for ${seconds(times.blocked)}${watchdog(times)}`
  return head + frames.slice(0, MOST_FRAMES).map((frame) => `    at ${full(frame)}\n`).join('')
}

function stuckIn(times, where) {
  return `aye: event loop blocked for ${seconds(times.blocked)} ${where}${watchdog(times)}`
}

const runsAgain = (blocked, where) => `aye: event loop runs again after ${seconds(blocked)} ${where}\n`
const status = (blocked, where) => `event loop blocked ${seconds(blocked)} ${where}`
const pastStatus = (blocked, where) => `event loop was blocked ${seconds(blocked)} ${where}`

module.exports = { place, stack, stuckIn, runsAgain, status, pastStatus }
