// The types of `aye/sd-notify`: what programs for sd-notify 2.8.0 write compiles. Checked as a CommonJS and as an ES
// module.

import notify from 'aye/sd-notify'
import {
  journalPrint, log, ready, sendState, sendStatus, startWatchdogMode, stopping, stopWatchdogMode, watchdog,
  watchdogInterval,
} from 'aye/sd-notify'
import type { JournalPrint, Level, Log } from 'aye/sd-notify'
import { expectError, expectType } from 'tsd'

expectType<void>(ready())
expectType<void>(notify.ready())
expectType<void>(stopping())
expectType<void>(stopping(1))
expectError(stopping('1'))
expectType<void>(sendStatus('up'))
expectError(sendStatus())
expectType<void>(sendState('STATUS=up\nX_A=1'))
expectType<void>(sendState(['STATUS=up'] as const))
expectError(sendState({ STATUS: 'up' }))
expectType<void>(watchdog())
expectType<number>(watchdogInterval())
expectType<void>(startWatchdogMode())
expectType<void>(startWatchdogMode(2800))
expectError(startWatchdogMode('2800'))
expectType<void>(stopWatchdogMode())
expectType<void>(journalPrint(4, 'words', 1, {}))
expectError(journalPrint(8, 'no such level'))
expectError(journalPrint('a level comes first'))
expectType<Log>(log)
expectType<JournalPrint>(log.emerg)
expectType<0 | 1 | 2 | 3 | 4 | 5 | 6 | 7>({} as Level)
const prints = [log.emergency, log.alert, log.crit, log.critical, log.err, log.error, log.warning, log.warn]
for (const print of [...prints, log.notice, log.info, log.debug]) expectType<void>(print('words', 1))
expectError(log.trace('no such level'))
