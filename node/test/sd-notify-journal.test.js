'use strict'

// How an entry gets to the journal: by its own socket, else by a stream that is its own, else with one warning.
// journald itself is asked in tests/systemd/cases/node-journal.

const assert = require('node:assert/strict')
const { fstatSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')

const { create, encode, prefix, streamOf } = require('../lib/journal.js')

const NOWHERE = join(tmpdir(), 'aye-no-such-folder', 'socket')
const THERE = __filename
const own = (fd) => `${fstatSync(fd, { bigint: true }).dev}:${fstatSync(fd, { bigint: true }).ino}`

/** A journal over an addon that answers as told: each call of open or send takes the next one, an errno or 0. */
function subject({ answers = [], problem = null, stream, socket = THERE }) {
  const log = { loads: 0, opened: 0, sent: [], written: [], warnings: [] }
  const native = {
    open: (path) => {
      assert.equal(path, socket)
      return ++log.opened
    },
    send: (connection, bytes, wait) => {
      log.sent.push([connection, bytes.toString(), wait])
      return answers.shift()
    },
  }
  const addon = () => {
    log.loads++
    return { native: problem === null ? native : null, problem }
  }
  const warn = (text, code) => log.warnings.push(`${code} ${text}`)
  const write = (fd, text) => log.written.push([fd, text])
  return { log, print: create({ stream, identifier: 'web', addon, warn, write, socket }) }
}

test('says nothing and loads nothing where there is no journal', () => {
  const { log, print } = subject({ socket: NOWHERE })
  print(3, 'lost')
  assert.deepEqual(log, { loads: 0, opened: 0, sent: [], written: [], warnings: [] })
})

test('warns once, with the remedy, when the journal is there and no way leads to it', () => {
  const { log, print } = subject({ problem: 'there is no addon for Linux on mips', stream: '1:1' })
  print(3, 'lost')
  print(3, 'lost, too')
  assert.equal(log.loads, 1)
  assert.equal(log.warnings.length, 1)
  assert.match(log.warnings[0], /^AYE_JOURNAL log entries are being lost: there is no addon .* mips, .*StandardError=/)
})

test('takes the stream when its datagram is refused, and tries the socket again with the next entry', () => {
  const { log, print } = subject({ answers: [90, 0], stream: own(2) })
  print(5, 'long\nlines')
  print(6, 'short')
  assert.deepEqual(log.written, [[2, '<5>long\n<5>lines\n']])
  assert.deepEqual([log.sent.length, log.warnings], [2, []])
})

test('names the errno when there is no stream, either', () => {
  const { log, print } = subject({ answers: [90] })
  print(5, 'long')
  assert.match(log.warnings[0], /failed: EMSGSIZE,/)
})

test('connects once more when journald\'s end has gone, and sends nothing twice', () => {
  const { log, print } = subject({ answers: [0, 111, 0] })
  print(6, 'one')
  print(6, 'two')
  assert.deepEqual(log.sent.map(([connection]) => connection), [1, 1, 2])
  assert.deepEqual([log.written, log.warnings], [[], []])
})

for (const text of ['', ' \n ', '\n']) {
  test(`makes no entry of ${JSON.stringify(text)}`, () => {
    const { log, print } = subject({ answers: [0], stream: own(2) })
    print(6, text)
    assert.deepEqual([log.sent, log.written], [[], []])
  })
}

test('waits for journald with the fields that libsystemd sends, without those of its own source', () => {
  const { log, print } = subject({ answers: [0] })
  print(4, '  100% %s \0 done \n')
  assert.deepEqual(log.sent, [[1, 'MESSAGE=  100% %s   done\nPRIORITY=4\nSYSLOG_IDENTIFIER=web\n', true]])
})

test('gives a text of several lines its length in bytes', () => {
  assert.deepEqual(encode([['MESSAGE', 'é\nPRIORITY=0'], ['PRIORITY', '7']]),
    Buffer.from('MESSAGE\n\x0d\0\0\0\0\0\0\0\xc3\xa9\nPRIORITY=0\nPRIORITY=7\n', 'latin1'))
})

test('puts a prefix before each line, also before one that has its own', () => {
  assert.equal(prefix(6, 'one\n<0>two'), '<6>one\n<6><0>two\n')
})

test('knows a stream of the journal by its numbers, standard error first', () => {
  const stats = { 1: { dev: 8n, ino: 10n }, 2: { dev: 8n, ino: 9007199254740993n } }
  const stat = (fd) => stats[fd]
  assert.equal(streamOf('8:9007199254740993', stat), 2)
  assert.equal(streamOf('8:9007199254740992', stat), null)
  assert.equal(streamOf('8:10', stat), 1)
  assert.equal(streamOf(undefined, stat), null)
  assert.equal(streamOf('', stat), null)
  assert.equal(streamOf('8:10', () => null), null)
})
