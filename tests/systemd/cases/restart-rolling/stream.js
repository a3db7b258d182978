'use strict'

// A steady stream of requests on one address, over connections that are kept and over new ones, until SIGTERM; then
// their count. A request failed when there was no complete answer with status 200.

const http = require('node:http')

const [host, port] = process.argv[2].split(':')
const agents = [new http.Agent({ keepAlive: true }), new http.Agent({ keepAlive: false })]
let going = true
let ok = 0
let failed = 0

function request(agent) {
  return new Promise((resolve) => {
    const sent = http.get({ host, port, agent, path: '/slow?ms=5' }, (answer) => {
      answer.on('end', () => resolve(answer.statusCode === 200)).on('error', () => resolve(false)).resume()
    })
    sent.on('error', () => resolve(false))
  })
}

async function run(agent) {
  while (going) (await request(agent)) ? ok++ : failed++
}

process.on('SIGTERM', () => (going = false))
Promise.all(agents.map(run)).then(() => {
  console.log(`requests: ${ok} ok, ${failed} failed`)
  for (const agent of agents) agent.destroy()
})
