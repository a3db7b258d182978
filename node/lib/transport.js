'use strict'

// How bytes reach the service manager: over the descriptor it handed over, else through the addon to $NOTIFY_SOCKET, else
// not. One send is one message, and the kernel attaches this process's credentials. Nothing here throws: what could not be
// handed over is `false`, and the first failure of its kind is a process warning.

const fs = require('node:fs')

const RETRY_MS = 1
// Datagram sockets report these when the receiver's queue or this socket's buffer is full; later the send succeeds.
const FULL = new Set(['EAGAIN', 'EWOULDBLOCK', 'ENOBUFS'])
// The receiver that this socket is connected to is no more; another one may have taken its address.
const GONE = new Set(['ECONNREFUSED', 'ENOTCONN', 'ECONNRESET', 'EPIPE'])

/**
 * @param {ReturnType<typeof import('./environment.js').read>} given
 * @param {{ write: typeof fs.writeSync, pause: (ms: number) => void, warn: (text: string, code: string) => void,
 *   load: typeof import('./addon.js').load, access: typeof import('./access.js').notifyAccess }} world
 */
function open(given, { write, pause, warn, load, access }) {
  const said = new Set()
  const warnOnce = (text, code) => {
    if (said.has(code)) return
    said.add(code)
    warn(text, code)
  }
  const { wire, kind, problem } = choose(given, write, load)
  let begun = false

  /** Whether there is a way at all; what is wrong with it is said at the first message. */
  function begin() {
    if (begun) return kind !== null
    begun = true
    if (kind === null) {
      if (given.expected) warnOnce(given.remedy(problem), 'AYE_NO_TRANSPORT')
      return false
    }
    const text = given.notMain()
    if (text !== null && access() !== 'all') warnOnce(text, 'AYE_NOT_MAIN')
    return true
  }

  function fail(error) {
    if (!FULL.has(error.code)) {
      warnOnce(`messages to the service manager are being lost over ${wire.name}: ${error.message}` +
        (GONE.has(error.code) ? '; is it still running?' : ''), 'AYE_SEND')
    }
    return false
  }

  /** Hands over what must not be lost: waits for a busy manager, whatever mode the descriptor is in. */
  function persist(send, bytes, more) {
    if (!begin()) return false
    for (;;) {
      try {
        send(bytes, more)
        return true
      } catch (error) {
        if (!FULL.has(error.code)) return fail(error)
        pause(RETRY_MS)
      }
    }
  }

  /** What needs the addon has it here; null and a warning where there is none. */
  function native() {
    if (!begin()) return null
    const { problem: missing } = wire.addon()
    if (missing === null) return wire
    warnOnce(`barriers and stored descriptors need the addon: ${missing}; the rest goes over ${wire.name}`, 'AYE_NO_ADDON')
    return null
  }

  /** What a diagnosis of a blocked event loop can use, without a word where there is no addon. */
  function means() {
    const fd = given.notify
    const { native = null } = wire?.addon() ?? {}
    try {
      return { fd, native, connection: native && wire.connection() }
    } catch (error) {
      fail(error)
      return { fd, native, connection: null }
    }
  }

  return {
    kind,
    begin,
    warnOnce,
    fail,
    native,
    means,

    /**
     * Hands over a message that may be lost when the manager is busy, because another one follows. The descriptor that
     * OpenFile= passes is in blocking mode and waits all the same; one that someone set to O_NONBLOCK does not.
     */
    offer(bytes) {
      if (!begin()) return false
      try {
        wire.send(bytes, false)
        return true
      } catch (error) {
        return fail(error)
      }
    },

    deliver: (bytes) => persist(wire?.send, bytes, true),

    /** As `deliver`, with descriptors. */
    pass: (bytes, fds) => native() !== null && persist(wire.sendWithFds, bytes, Int32Array.from(fds)),
  }
}

function choose({ notify, address }, write, load) {
  if (notify !== null) return { kind: 'fd', wire: overDescriptor(notify, write, load) }
  if (address === null) return { kind: null }
  const { native, problem } = load()
  return native === null ? { kind: null, problem } : { kind: 'addon', wire: overAddon(address, native) }
}

/** A wire sends or throws; only for what write(2) cannot do does this one load the addon. */
function overDescriptor(fd, write, load) {
  let loaded = null
  let connection = null
  const addon = () => (loaded ??= load())
  const call = (method, ...rest) => addon().native[method](connection ??= addon().native.adopt(fd), ...rest)
  return {
    name: `descriptor ${fd}`,
    addon,
    send: (bytes) => { write(fd, bytes) },
    sendWithFds: (bytes, fds) => check(call('sendWithFds', bytes, fds)),
    barrier: (ms) => call('barrier', ms).then(check),
    connection: () => (connection ??= addon().native.adopt(fd)),
  }
}

function overAddon(address, native) {
  const loaded = { native, problem: null }
  let connection = null

  /** Connects when first used, and once more when the receiver of an older connection has gone. */
  function call(method, bytes, more) {
    for (let fresh = connection === null; ; fresh = true) {
      connection ??= native.open(address)
      const errno = native[method](connection, bytes, more)
      if (errno === 0) return
      const error = failure(errno)
      if (GONE.has(error.code)) connection = null
      if (fresh || connection !== null) throw error
    }
  }

  return {
    name: address,
    addon: () => loaded,
    send: (bytes, wait) => call('send', bytes, wait),
    sendWithFds: (bytes, fds) => call('sendWithFds', bytes, fds),
    // Not on a new connection: what this one has sent is what the caller asks about.
    barrier: (ms) => native.barrier(connection ??= native.open(address), ms).then(check),
    connection: () => (connection ??= native.open(address)),
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

/** Blocks this thread, as a write on a blocking descriptor would. */
function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** Whether an open descriptor is a socket; null when it is not open. */
function isSocket(fd) {
  try {
    return fs.fstatSync(fd).isSocket()
  } catch {
    return null
  }
}

const system = {
  write: fs.writeSync,
  pause,
  load: () => require('./addon.js').load(),
  access: () => require('./access.js').notifyAccess(),
}

module.exports = { open, isSocket, system }
