'use strict'

// Log entries for the journal, each with a priority: as one datagram to journald's own socket, which takes the addon
// and keeps a text of many lines in one entry, or, without the addon, as lines on standard error or output where that
// stream is the journal's, each behind the `<N>` of sd-daemon(3). Where there is no journal nothing is written at all.

const fs = require('node:fs')

const SOCKET = '/run/systemd/journal/socket'
// unix(7): what a socket says whose other end has gone; journald's own stays open while journald restarts.
const GONE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTCONN', 'EPIPE'])

/**
 * One entry in the journal's native protocol: a field to a line, or, where its text has lines itself, its name, its
 * length in bytes (64 bits, little endian) and its bytes. See https://systemd.io/JOURNAL_NATIVE_PROTOCOL.
 * @param {[name: string, text: string][]} fields
 */
function encode(fields) {
  return Buffer.concat(fields.map(([name, text]) => {
    if (!text.includes('\n')) return Buffer.from(`${name}=${text}\n`)
    const bytes = Buffer.from(text)
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(bytes.length))
    return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')])
  }))
}

/** The same for a stream, where each line is an entry of its own; journald takes one prefix off a line, never two. */
function prefix(priority, text) {
  return text.split('\n').map((line) => `<${priority}>${line}\n`).join('')
}

/**
 * The descriptor, 2 or 1, of a stream that ends in the journal: systemd.exec(5) puts its device and inode numbers into
 * $JOURNAL_STREAM, because a program may have sent its streams elsewhere since. null: neither does.
 * @param {string | undefined} named the value of $JOURNAL_STREAM
 * @param {(fd: number) => { dev: bigint, ino: bigint } | null} stat of an open descriptor, else null
 */
function streamOf(named, stat) {
  if (!named) return null
  return [2, 1].find((fd) => {
    const found = stat(fd)
    return found !== null && `${found.dev}:${found.ino}` === named
  }) ?? null
}

function stat(fd) {
  try {
    return fs.fstatSync(fd, { bigint: true })
  } catch {
    return null
  }
}

/** Deno throws for a path that --allow-read does not name. */
function exists(path) {
  try {
    return fs.existsSync(path)
  } catch {
    return false
  }
}

/**
 * @param {object} world
 * @param {string | undefined} world.stream the value of $JOURNAL_STREAM
 * @param {string} world.identifier the program's name, for SYSLOG_IDENTIFIER=
 * @param {() => { native: object | null, problem: string | null }} world.addon loads it, at the first entry
 * @param {(text: string, code: string) => void} world.warn
 * @param {(fd: number, text: string) => void} [world.write] to standard error or output
 * @param {string} [world.socket] journald's socket
 */
function create({ stream, identifier, addon, warn, write = toStream, socket = SOCKET }) {
  let loaded = null
  let connection = null
  let warned = false

  /** null when journald has the datagram, else what kept it from it. */
  function sendTo(bytes) {
    loaded ??= addon()
    if (loaded.native === null) return loaded.problem
    const again = connection !== null
    const code = attempt(bytes)
    const last = again && GONE.has(code) ? attempt(bytes) : code
    return last && `writing to ${socket} failed: ${last}`
  }

  function attempt(bytes) {
    try {
      connection ??= loaded.native.open(socket)
      const errno = loaded.native.send(connection, bytes, true)
      if (errno === 0) return null
      connection = null
      return nameOf(errno)
    } catch (error) {
      return error.message
    }
  }

  function complain(problem) {
    if (warned) return
    warned = true
    warn(`log entries are being lost: ${problem}, and neither standard error nor output is the journal's: add the ` +
      'line StandardError=journal to [Service]', 'AYE_JOURNAL')
  }

  /** Logs a text with a priority of syslog(3), 0 to 7. Blank texts are none, and blanks at the end no part of one. */
  return function print(priority, text) {
    const message = text.replaceAll('\0', ' ').trimEnd()
    if (message === '') return
    let problem = null
    if (exists(socket)) {
      const level = String(priority)
      problem = sendTo(encode([['MESSAGE', message], ['PRIORITY', level], ['SYSLOG_IDENTIFIER', identifier]]))
      if (problem === null) return
    }
    const fd = streamOf(stream, stat)
    if (fd !== null) write(fd, prefix(priority, message))
    else if (problem !== null) complain(problem)
  }
}

function nameOf(errno) {
  return require('node:util').getSystemErrorName(-errno)
}

/** Through Node's own stream, so that it keeps its order among what the program writes there itself. */
function toStream(fd, text) {
  (fd === 2 ? process.stderr : process.stdout).write(text)
}

module.exports = { create, encode, prefix, streamOf }
