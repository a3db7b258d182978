'use strict'

// A cluster of one worker: it speaks first, then the primary does, each saying what it has.

const cluster = require('node:cluster')
const { writeSync } = require('node:fs')
const net = require('node:net')

const aye = require('../..')

const say = (value) => writeSync(1, JSON.stringify(value) + '\n')

if (cluster.isPrimary) {
  cluster.fork().on('exit', () => say({ role: 'primary', transport: aye.transport, ready: aye.ready() }))
} else {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { pid } = process
    say({ role: 'worker', pid, transport: aye.transport, ready: aye.ready(), listenFds: aye.listenFds(), stored: aye.storeFd(server, 'http') })
    cluster.worker.disconnect()
  })
}
