// The vectors that the Rust tests read too: a datagram of which live systemd is known to read certain assignments is what
// this encoder writes for them, wherever the datagram is written plainly.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { vectors } = require('../../tests/vectors/messages.json')
const { encode } = require('../lib/message.js')

const KEY = /^[A-Z0-9_]+$/
const isText = (pair) => pair.length === 2 && pair.every((part) => typeof part === 'string') && KEY.test(pair[0])
// A line break inside a value is one that the datagram had escaped, which this encoder never does.
const isOneLine = ([, value]) => !/[\n\r]/.test(value)

/** The datagram as it would be written without any freedom: a line each, every backslash doubled and no other escaped. */
const plain = (pairs) => pairs.map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}`).join('\n')

const readable = vectors.filter(({ pairs }) => pairs?.length > 0 && pairs.every(isText) && pairs.every(isOneLine))

test('the shared file has at least 150 datagrams', () => assert.ok(vectors.length >= 150, `${vectors.length}`))

test('at least 150 of them are written plainly, and encoded as they are', () => {
  const written = readable.filter(({ pairs, bytes }) => plain(pairs) === bytes)
  assert.ok(written.length >= 150, `${written.length}`)
  for (const { name, pairs, bytes } of written) assert.equal(encode(pairs).toString(), bytes, name)
})

test('those written otherwise are encoded to what means the same', () => {
  const written = readable.filter(({ pairs, bytes }) => plain(pairs) !== bytes)
  assert.ok(written.length > 5, `${written.length}`)
  for (const { name, pairs } of written) assert.equal(encode(pairs).toString(), plain(pairs), name)
})
