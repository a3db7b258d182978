'use strict'

// A program that knows nothing of aye: runs the code of its first argument with `say` (one line of JSON on stdout) and
// `require`. The workers of a cluster run the same code.

const { writeSync } = require('node:fs')

const AsyncFunction = (async () => {}).constructor
const say = (value) => writeSync(1, JSON.stringify(value) + '\n')

new AsyncFunction('say', 'require', process.argv[2])(say, require)
