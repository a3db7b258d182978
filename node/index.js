'use strict'

// The package's face: systemd's sd_notify protocol for the process that requires it, over the descriptor that systemd
// (OpenFile=) or `aye wrap` handed to it. Without a service manager every call is a cheap no-op that returns false.

const clock = require('./lib/clock.js')
const environment = require('./lib/environment.js')
const message = require('./lib/message.js')
const { open, isSocket, system } = require('./lib/transport.js')
const watchdog = require('./lib/watchdog.js')

const given = environment.read(process.env, process.pid, isSocket)
const sender = open(given.notify, { ...system, warn, missing: () => (given.expected ? given.remedy() : null) })
let listenProblemSaid = false

function warn(text, code) {
  process.emitWarning(text, { type: 'AyeWarning', code })
}

function ready(text) {
  return announce([['READY', '1']], 'ready', text)
}

function stopping(text) {
  return announce([['STOPPING', '1']], 'stopping', text)
}

function reloading(text) {
  return announce([['RELOADING', '1'], ['MONOTONIC_USEC', String(clock.monotonicUsec())]], 'reloading', text)
}

function announce(assignments, name, text) {
  if (text !== undefined) assignments.push(['STATUS', message.checkText(name, text)])
  return sender.deliver(message.encode(assignments))
}

function status(text) {
  return sender.offer(message.encode([['STATUS', message.checkText('status', text)]]))
}

function notify(fields) {
  return sender.deliver(message.encode(message.fromFields(fields)))
}

function listenFds(name) {
  if (name !== undefined) message.checkText('listenFds', name)
  if (given.problem !== null && !listenProblemSaid) {
    listenProblemSaid = true
    warn(`${given.problem}; no passed descriptor is used`, 'AYE_LISTEN_FDS')
  }
  return given.fds.filter((one) => name === undefined || one.name === name)
}

module.exports = {
  ready,
  status,
  stopping,
  reloading,
  notify,
  watchdog: watchdog.create(given.watchdog, sender.offer, given.notify !== null, warn),
  listenFds,
  transport: given.notify === null ? null : 'fd',
}
