'use strict'

// A cluster of one worker: it speaks first, then the primary does, each saying what it has.

const cluster = require('node:cluster')
const { writeSync } = require('node:fs')

const aye = require('../..')

const say = (value) => writeSync(1, JSON.stringify(value) + '\n')

if (cluster.isPrimary) {
  cluster.fork().on('exit', () => say({ role: 'primary', transport: aye.transport, ready: aye.ready() }))
} else {
  say({ role: 'worker', transport: aye.transport, ready: aye.ready(), listenFds: aye.listenFds() })
  cluster.worker.disconnect()
}
