// The types of aye/sd-notify under `require`. Compiled by pack/types.test.mjs.

import notify = require('aye/sd-notify')

const interval: number = notify.watchdogInterval()
notify.startWatchdogMode(interval / 2)
notify.log.error('text')
export const print: notify.JournalPrint = notify.log.debug

// @ts-expect-error there is no default export to require
notify.default
