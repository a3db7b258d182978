'use strict'

// Sends through the addon to the vsock address it is given, in each way, and fails where the answer is not what vsock's is.

const assert = require('node:assert/strict')
const { constants } = require('node:os')

const native = require('/linux-x64.node')

const bytes = (text) => new Uint8Array(Buffer.from(text))
const connection = native.open(process.argv[2])
assert.equal(native.send(connection, bytes('STATUS=over vsock'), false), 0)
assert.equal(native.send(connection, bytes('READY=1'), true), 0)
assert.equal(native.sendWithFds(connection, bytes('FDSTORE=1'), Int32Array.of(0)), constants.errno.EOPNOTSUPP)
native.barrier(connection, 5000).then((errno) => assert.equal(errno, 0))
