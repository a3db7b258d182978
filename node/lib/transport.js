'use strict'

// How bytes reach the service manager: one write(2) on the datagram socket it handed over is one message, and the kernel
// attaches this process's credentials. Nothing here throws: what could not be handed over is `false`, and the first
// failure of its kind is a process warning.

const fs = require('node:fs')

const RETRY_MS = 1
// Datagram sockets report these when the receiver's queue or this socket's buffer is full; later the write succeeds.
const FULL = new Set(['EAGAIN', 'EWOULDBLOCK', 'ENOBUFS'])

/**
 * @param {number | null} fd the connected datagram socket; null: every message is refused
 * @param {{ write: typeof fs.writeSync, pause: (ms: number) => void, warn: (text: string, code: string) => void,
 *   missing: () => string | null }} world `missing` says what to warn of when a message is refused for want of `fd`
 */
function open(fd, { write, pause, warn, missing }) {
  const said = new Set()
  const warnOnce = (text, code) => {
    if (said.has(code)) return
    said.add(code)
    warn(text, code)
  }

  function refuse() {
    const reason = missing()
    if (reason !== null) warnOnce(reason, 'AYE_NO_TRANSPORT')
    return false
  }

  function fail(error) {
    if (!FULL.has(error.code)) {
      warnOnce(`writing to the service manager's notify socket (descriptor ${fd}) failed, messages are being lost: ` +
        `${error.message}; is it still running?`, 'AYE_SEND')
    }
    return false
  }

  return {
    /**
     * Hands over a message that may be lost when the manager is busy, because another one follows. The descriptor that
     * OpenFile= passes is in blocking mode and waits all the same; one that someone set to O_NONBLOCK does not.
     */
    offer(bytes) {
      if (fd === null) return refuse()
      try {
        write(fd, bytes)
        return true
      } catch (error) {
        return fail(error)
      }
    },

    /** Hands over a message that must not be lost: waits for a busy manager, whatever mode the descriptor is in. */
    deliver(bytes) {
      if (fd === null) return refuse()
      for (;;) {
        try {
          write(fd, bytes)
          return true
        } catch (error) {
          if (!FULL.has(error.code)) return fail(error)
          pause(RETRY_MS)
        }
      }
    },
  }
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

module.exports = { open, isSocket, system: { write: fs.writeSync, pause } }
