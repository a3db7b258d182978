'use strict'

// The descriptor store: what the next start of the service finds again among its listenFds, see systemd.service(5) on
// FileDescriptorStoreMax=. Which number a server or socket of Node has is looked up here and nowhere else.

const dgram = require('node:dgram')
const net = require('node:net')

const { describe, integer, text } = require('./argument.js')

// What fdname_is_valid() of systemd lets pass: printable ASCII without the colon that separates names.
const NAME = /^[ -9;-~]{0,255}$/
const WITHOUT_FD = 'this runtime shows no descriptor of it (Deno shows none at all, Bun none of an http server, Node ' +
  'none of a server that its cluster\'s primary listens for); store it where there is one, or give its number'

/** The assignments that store something under a name. @throws {TypeError} */
function assignments(name, options = {}) {
  if (options === null || typeof options !== 'object') {
    throw new TypeError(`storeFd takes its options as an object such as { poll: false }, not ${describe(options)}`)
  }
  const { poll = true } = options
  if (typeof poll !== 'boolean') throw new TypeError(`storeFd takes poll as a boolean, not ${describe(poll)}`)
  const stored = [['FDSTORE', '1'], ['FDNAME', checkName('storeFd', name)]]
  return poll ? stored : [...stored, ['FDPOLL', '0']]
}

/** @throws {TypeError} for a name that systemd would replace or refuse */
function checkName(verb, name) {
  if (NAME.test(text(verb, name))) return name
  const wanted = 'a name of at most 255 printable ASCII characters without a colon'
  throw new TypeError(`${verb} takes ${wanted}, not ${describe(name)}`)
}

/** The number of what is to be stored; null when this runtime gives it none. @throws {TypeError} */
function descriptorOf(what) {
  if (typeof what === 'number') return integer('storeFd', what, 0, 2 ** 31 - 1)
  const found = handleOf(what)
  if (found === undefined) {
    const wanted = 'a net.Server, a net.Socket, a dgram.Socket or a descriptor\'s number'
    throw new TypeError(`storeFd takes ${wanted}, not ${describe(what)}`)
  }
  const { handle, missing } = found
  if (!handle) throw new TypeError(missing)
  return Number.isInteger(handle.fd) && handle.fd >= 0 ? handle.fd : null
}

function handleOf(what) {
  const mute = 'storeFd takes a server that listens: call it in the callback of listen()'
  if (what instanceof net.Server) return { handle: what._handle, missing: mute }
  if (what instanceof net.Socket) {
    return { handle: what._handle, missing: 'storeFd takes a socket that is connected: this one is not, or no more' }
  }
  if (what instanceof dgram.Socket) {
    const missing = 'storeFd takes a socket that is bound: call it in the callback of bind()'
    return { handle: datagramHandle(what), missing }
  }
  // Of Node it is a net.Server, too; of Bun it is none, and shows no handle.
  const { Server } = require('node:http')
  return what instanceof Server ? { handle: what.listening && {}, missing: mute } : undefined
}

/** dgram keeps its handle under a symbol, and to ask for `_handle` would warn of a deprecation (DEP0112). */
function datagramHandle(socket) {
  const states = Object.getOwnPropertySymbols(socket).map((symbol) => socket[symbol])
  const handle = states.find((state) => state?.handle)?.handle
  // An unbound socket has a handle, but on Linux no descriptor behind it.
  return handle?.fd < 0 ? null : handle
}

module.exports = { WITHOUT_FD, assignments, checkName, descriptorOf }
