'use strict'

// A server that hands its listening socket to the descriptor store at its first start, and takes it from there at the next.

const net = require('node:net')

module.exports = function serve(aye) {
  const [kept] = aye.listenFds('web')
  const server = net.createServer((connection) => connection.end(`${process.pid} ${kept ? 'kept' : 'new'}\n`))
  server.listen(kept ? { fd: kept.fd } : { port: 0, host: '127.0.0.1' }, () => {
    if (!kept && !aye.storeFd(server, 'web')) throw new Error('the listening socket was not stored')
    aye.ready(`port ${server.address().port}`)
  })
}
