// The types of aye/sd-notify under `import`, in every way that users of sd-notify write it. Compiled by pack/types.test.mjs.

import notify, { log, ready, sendState } from 'aye/sd-notify'
import * as all from 'aye/sd-notify'
import type { JournalPrint, Level, Log } from 'aye/sd-notify'

const nothing: void[] = [ready(), notify.stopping(), notify.stopping(7), all.watchdog(), notify.sendStatus('up')]
const interval: number = all.watchdogInterval()
if (interval > 0) notify.startWatchdogMode(Math.floor(interval / 2))
notify.startWatchdogMode()
notify.stopWatchdogMode()
sendState('READY=1\nSTATUS=up')
sendState(['STATUS=up', 'EXTEND_TIMEOUT_USEC=5000000'])
const level: Level = 6
const names: Log = notify.log
const print: JournalPrint = log.err
notify.journalPrint(level, 'up', 1, new Error('gone'))
names.warning(['words', 'in an array'])
print('several', 'words', null)
export const lazily: Promise<typeof import('aye/sd-notify')> = import('aye/sd-notify')
export { nothing }

// @ts-expect-error a status needs its text
notify.sendStatus()
// @ts-expect-error text is a string
notify.sendStatus(123)
// @ts-expect-error an interval is a number
notify.startWatchdogMode('2800')
// @ts-expect-error there is no such level
notify.journalPrint(8, 'text')
// @ts-expect-error a level comes first
notify.journalPrint(['text'])
// @ts-expect-error ready takes nothing: in sd-notify, too
notify.ready(1)
