'use strict'

// Loaded into the example service before its own code: it says why it cannot start, and ends.
require('/srv/aye/node').status('opening the database')
console.error('Error: no such table: orders')
process.exit(3)
