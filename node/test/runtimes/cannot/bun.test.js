'use strict'

// Bun has neither V8 nor an inspector that another thread could ask where the event loop is stuck (seen with Bun 1.4).
// Run by runtimes.mjs, with Bun as the process under test.

const { diagnosesNothing } = require('./diagnose.js')

diagnosesNothing(/only Node\.js can be asked/)
