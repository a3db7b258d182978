'use strict'

// A cluster of two that knows nothing of systemd. The second worker listens when the gate is opened; /block hangs the
// worker that is asked.

const cluster = require('node:cluster')
const { createReadStream } = require('node:fs')
const http = require('node:http')

const [, , socket, gate] = process.argv

function listen() {
  http.createServer((request, response) => {
    if (request.url === '/block') for (;;);
    response.end(`${cluster.worker.id}\n`)
  }).listen(socket)
}

if (cluster.isPrimary) {
  for (let worker = 0; worker < 2; worker++) cluster.fork()
} else if (cluster.worker.id === 1) {
  listen()
} else {
  console.log('at the gate')
  createReadStream(gate).once('data', listen)
}
