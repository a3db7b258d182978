// A server that knows nothing of service managers.
require('node:http').createServer((request, response) => response.end('hello\n')).listen(process.argv[2], '127.0.0.1')
