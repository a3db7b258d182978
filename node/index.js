'use strict'

// The package's face: systemd's sd_notify protocol for the process that requires it. Each file of lib/ is loaded when
// it is first needed, so that a process without a service manager pays for this file alone (loading another one takes
// longer than all that is done here).

const NO_WATCHDOG = { usec: null, problem: null, foreign: false }
const NOTHING = { expected: false, fds: [], notify: null, problem: null, watchdog: NO_WATCHDOG }
const no = () => false
const NOWHERE = { kind: null, begin: no, offer: no, deliver: no, pass: no, native: () => null }

const given = isTold() ? readEnvironment() : NOTHING
const link = given.expected || given.notify !== null ? connect() : NOWHERE
let dog = null
let barriers = null
let listenProblemSaid = false
let lastStatus = null

/** Whether there is anything to read for lib/environment.js. */
function isTold() {
  return (variable('NOTIFY_SOCKET') ?? variable('WATCHDOG_USEC') ?? variable('LISTEN_PID')) !== undefined
}

/** Deno throws for a variable that --allow-env does not name. */
function variable(name) {
  try {
    return process.env[name]
  } catch {
    return undefined
  }
}

function readEnvironment() {
  const { VARIABLES, read } = require('./lib/environment.js')
  const env = Object.fromEntries(VARIABLES.map((name) => [name, variable(name)]))
  return read(env, process.pid, (fd) => require('./lib/transport.js').isSocket(fd))
}

function connect() {
  const { open, system } = require('./lib/transport.js')
  return open(given, { ...system, warn })
}

function warn(text, code) {
  process.emitWarning(text, { type: 'AyeWarning', code })
}

function encode(assignments) {
  lastStatus = assignments.find(([key]) => key === 'STATUS')?.[1] ?? lastStatus
  return require('./lib/message.js').encode(assignments)
}

function ready(text) {
  return announce([['READY', '1']], 'ready', text)
}

function stopping(text) {
  return announce([['STOPPING', '1']], 'stopping', text)
}

function reloading(text) {
  const usec = link.kind === null ? null : require('./lib/clock.js').monotonicUsec()
  if (usec === null && link.begin()) {
    link.warnOnce('the time of a reload is not to be had, so Type=notify-reload will not see this one begin ' +
      '(Deno shows it only with --allow-all)', 'AYE_NO_CLOCK')
  }
  return announce([['RELOADING', '1'], ...(usec === null ? [] : [['MONOTONIC_USEC', String(usec)]])], 'reloading', text)
}

function announce(assignments, name, text) {
  if (text !== undefined) assignments.push(['STATUS', require('./lib/argument.js').text(name, text)])
  return link.deliver(encode(assignments))
}

function status(text) {
  return link.offer(encode([['STATUS', require('./lib/argument.js').text('status', text)]]))
}

function notify(fields) {
  return link.deliver(encode(require('./lib/message.js').fromFields(fields)))
}

function mainPid(pid) {
  const { integer } = require('./lib/argument.js')
  return link.deliver(encode([['MAINPID', String(integer('mainPid', pid, 1, 2 ** 31 - 1))]]))
}

function errno(code) {
  const text = require('./lib/errno.js').text(code)
  return text !== null && link.deliver(encode([['ERRNO', text]]))
}

function extendTimeout(ms) {
  return link.deliver(encode([require('./lib/extend.js').assignment('extendTimeout', ms)]))
}

function extendTimeoutWhile(work, ms = 10_000) {
  const { assignment, whilePending } = require('./lib/extend.js')
  const message = encode([assignment('extendTimeoutWhile', ms)])
  return whilePending(work, ms, () => link.deliver(message))
}

function barrier(ms) {
  barriers ??= require('./lib/barrier.js').create(link, () => performance.now())
  return barriers(ms)
}

function listenFds(name) {
  if (name !== undefined) require('./lib/argument.js').text('listenFds', name)
  if (given.problem !== null && !listenProblemSaid) {
    listenProblemSaid = true
    warn(`${given.problem}; no passed descriptor is used`, 'AYE_LISTEN_FDS')
  }
  return given.fds.filter((one) => name === undefined || one.name === name)
}

function storeFd(what, name, options) {
  const store = require('./lib/store.js')
  const message = encode(store.assignments(name, options))
  const fd = store.descriptorOf(what)
  if (fd !== null) return link.pass(message, [fd])
  if (link.begin()) link.warnOnce(`nothing is stored as '${name}': ${store.WITHOUT_FD}`, 'AYE_NO_FD')
  return false
}

function removeFd(name) {
  const { checkName } = require('./lib/store.js')
  return link.deliver(encode([['FDSTOREREMOVE', '1'], ['FDNAME', checkName('removeFd', name)]]))
}

/** sd_booted(3): whether this folder is there, and not a link to one. */
function booted() {
  try {
    return require('node:fs').lstatSync('/run/systemd/system').isDirectory()
  } catch {
    return false
  }
}

function watch() {
  return (dog ??= require('./lib/watchdog.js').create(given.watchdog, link, warn, () => lastStatus))
}

const watchdog = Object.freeze({
  start: (options) => watch().start(options),
  stop: () => dog !== null && dog.stop(),
  ping: () => watch().ping(),
  trigger: () => watch().trigger(),
  interval: given.watchdog.usec === null ? null : watch().interval,
})

module.exports = {
  ready,
  status,
  stopping,
  reloading,
  notify,
  mainPid,
  errno,
  extendTimeout,
  extendTimeoutWhile,
  barrier,
  watchdog,
  listenFds,
  storeFd,
  removeFd,
  booted,
  transport: link.kind,
}
