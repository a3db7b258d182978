const { createServer } = require('node:http')
const { ready } = require('aye')
createServer((_, answer) => answer.end('hello\n')).listen(process.env.PORT, () => ready())
process.on('SIGTERM', () => process.exit(0))
