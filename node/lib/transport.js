'use strict'

// How bytes reach the service manager: over the descriptor it handed over, else through the addon to $NOTIFY_SOCKET,
// else not. One send is one message, and the kernel attaches this process's credentials. Nothing here throws: what
// could not be handed over is `false`, and the first failure of its kind is a process warning.

const fs = require('node:fs')

const { GONE, overAddon, overDescriptor } = require('./wire.js')

const RETRY_MS = 1
// Datagram sockets report these when the receiver's queue or this socket's buffer is full; later the send succeeds.
const FULL = new Set(['EAGAIN', 'EWOULDBLOCK', 'ENOBUFS'])

/**
 * @param {ReturnType<typeof import('./environment.js').read>} given
 * @param {{ write: typeof fs.writeSync, pause: (ms: number) => void, warn: (text: string, code: string) => void,
 *   load: typeof import('./addon.js').load, isRefused: typeof import('./access.js').isRefused }} world
 */
function open(given, { write, pause, warn, load, isRefused }) {
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
    if (given.started !== null && isRefused(given.started)) warnOnce(given.notMain(), 'AYE_NOT_MAIN')
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
    const rest = `the rest goes over ${wire.name}`
    warnOnce(`barriers and stored descriptors need the addon: ${missing}; ${rest}`, 'AYE_NO_ADDON')
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
  isRefused: (started) => require('./access.js').isRefused(started),
}

module.exports = { open, isSocket, system }
