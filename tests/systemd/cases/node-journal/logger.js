'use strict'

// Logs by aye/sd-notify: each name once, then texts that could be taken for something else.

const { log } = require('/srv/aye/node/sd-notify.js')

for (const name of Object.keys(log)) log[name](name)
log.notice('100% %s %n')
log.info('<0>no emergency')
log.debug('  indented  ')
log.err('Error: of two\n    at lines')
