'use strict'

// A service in a container: all it knows of systemd is what the package tells it.

const { createServer } = require('node:http')

const aye = require('/srv/aye')

async function main() {
  createServer().listen(3000)
  process.on('SIGTERM', () => { aye.stopping(); process.exit(0) })
  const ready = aye.ready('listening')
  aye.watchdog.start()
  console.log(JSON.stringify({ transport: aye.transport, ready, read: await aye.barrier(5000), pid: process.pid }))
}

main()
