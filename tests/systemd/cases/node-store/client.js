'use strict'

// Connects, says so, and prints what it is answered, whenever that comes.

const { connect } = require('node:net')

const connection = connect(Number(process.argv[2]), '127.0.0.1', () => console.log('connected'))
connection.setEncoding('utf8').on('data', (text) => process.stdout.write(text))
connection.on('error', (error) => { console.log(error.message); process.exitCode = 1 })
