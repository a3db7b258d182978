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
    const { transport, ready, listenFds, storeFd } = aye
    const stored = storeFd(server, 'http')
    say({ role: 'worker', pid, transport, ready: ready(), listenFds: listenFds(), stored })
    cluster.worker.disconnect()
  })
}
