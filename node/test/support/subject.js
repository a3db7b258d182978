'use strict'

// The process under test: loads the package, then runs the code of its first argument with `aye`, `say` (one line of
// JSON on stdout) and `require`.

const { writeSync } = require('node:fs')

const aye = require('../..')

const AsyncFunction = (async () => {}).constructor
const say = (value) => writeSync(1, JSON.stringify(value) + '\n')

new AsyncFunction('aye', 'say', 'require', process.argv[2])(aye, say, require)
