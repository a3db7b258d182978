// A server that does all that a unit can be made of: readiness, heartbeats, a reload and an end.
const http = require('node:http')
const aye = require('aye')
const server = http.createServer((request, response) => response.end('hello\n'))
server.listen(8091, '127.0.0.1', () => {
  aye.ready('listening')
  aye.watchdog.start()
})
process.on('SIGHUP', () => {
  aye.reloading()
  aye.ready('reloaded')
})
process.on('SIGTERM', () => {
  aye.stopping()
  server.close(() => process.exit(143))
  server.closeAllConnections()
})
