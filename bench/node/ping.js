'use strict'

// The JavaScript side of bench/node/run: for each line it reads it sends COUNT heartbeats with `watchdog.ping()` and
// answers with the nanoseconds taken, as `ping send` does in C.

const { createInterface } = require('node:readline')

const { transport, watchdog } = require('../../node')

const COUNT = Number(process.argv[2])
if (transport !== 'fd') throw new Error('no notify descriptor: start it through bench/node/run')

createInterface({ input: process.stdin }).on('line', () => {
  const begin = process.hrtime.bigint()
  for (let i = 0; i < COUNT; i++) if (!watchdog.ping()) throw new Error('a heartbeat was lost')
  console.log(String(process.hrtime.bigint() - begin))
})
