'use strict'

// The two ways of a message, alike to whoever sends over them: the descriptor that was handed over, and a connection of
// the addon. Each call hands its message over or throws an error whose code is the errno's name.

// The receiver that a socket is connected to is no more; another one may have taken its address.
const GONE = new Set(['ECONNREFUSED', 'ENOTCONN', 'ECONNRESET', 'EPIPE'])

/** By write(2); only for what that cannot do does this wire load the addon. */
function overDescriptor(fd, write, load) {
  let loaded = null
  let adopted = null
  const addon = () => (loaded ??= load())
  const connection = () => (adopted ??= addon().native.adopt(fd))
  const call = (method, ...rest) => addon().native[method](connection(), ...rest)
  return {
    name: `descriptor ${fd}`,
    addon,
    connection,
    send: (bytes) => { write(fd, bytes) },
    sendWithFds: (bytes, fds) => check(call('sendWithFds', bytes, fds)),
    barrier: (ms) => call('barrier', ms).then(check),
  }
}

/** By the addon to an address, connected when first used. */
function overAddon(address, native) {
  const loaded = { native, problem: null }
  let connected = null
  const connection = () => (connected ??= native.open(address))

  /** Connects once more when the receiver of an older connection has gone. */
  function call(method, bytes, more) {
    for (let fresh = connected === null; ; fresh = true) {
      const errno = native[method](connection(), bytes, more)
      if (errno === 0) return
      const error = failure(errno)
      if (GONE.has(error.code)) connected = null
      if (fresh || connected !== null) throw error
    }
  }

  return {
    name: address,
    addon: () => loaded,
    connection,
    send: (bytes, wait) => call('send', bytes, wait),
    sendWithFds: (bytes, fds) => call('sendWithFds', bytes, fds),
    // Not on a new connection: what this one has sent is what the caller asks about.
    barrier: (ms) => native.barrier(connection(), ms).then(check),
  }
}

function check(errno) {
  if (errno !== 0) throw failure(errno)
}

/** The addon's errno as Node would throw it. */
function failure(errno) {
  const code = require('node:util').getSystemErrorName(-errno)
  return Object.assign(new Error(`${code}, errno ${errno}`), { code })
}

module.exports = { GONE, overDescriptor, overAddon }
