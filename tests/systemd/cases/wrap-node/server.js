// A server that knows nothing of service managers: it listens at once, and is of use only later.
const http = require('node:http')
const useful = Date.now() + Number(process.env.USELESS_FOR)
http.createServer((request, response) => {
  response.statusCode = Date.now() < useful ? 503 : 200
  response.end('hello\n')
}).listen(8090, '127.0.0.1')
