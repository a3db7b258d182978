// The types of `aye`, exactly: what is given back, and what is refused; faces.mts compares those of import and require.

import * as aye from 'aye'
import {
  barrier, booted, errno, extendTimeout, extendTimeoutWhile, listenFds, mainPid, notify, ready, reloading, removeFd,
  status, stopping, storeFd, transport, watchdog,
} from 'aye'
import type { Fields, Flag, ListenFd, Storable, StoreOptions, Value, Watchdog, WatchdogOptions } from 'aye'
import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'

// A status is text, and never forgotten in status() itself.
for (const say of [ready, stopping, reloading]) {
  expectType<boolean>(say())
  expectType<boolean>(say('up'))
  expectError(say(1))
  expectError(say(null))
}
expectType<boolean>(status(''))
expectError(status())
expectError(status(undefined))

// Only what systemd knows, or X_; each key with what it takes.
expectType<boolean>(notify({ STATUS: 's', READY: true, EXTEND_TIMEOUT_USEC: 5_000_000, X_MINE: 2n }))
expectType<boolean>(notify({ WATCHDOG: 'trigger', NOTIFYACCESS: 'all', ERRNO: 'ENOENT', WATCHDOG_USEC: 0n }))
expectError(notify())
expectError(notify({ REDAY: 1 }))
expectError(notify({ status: 's' }))
expectError(notify({ STATUS: {} }))
expectError(notify({ READY: 0 }))
expectError(notify({ READY: false }))
expectError(notify({ NOTIFYACCESS: 'some' }))
expectError(notify({ X_MINE: null }))
expectAssignable<Parameters<typeof notify>[0]>(Object.freeze({ READY: 1 as const }))
expectType<string | number | bigint | boolean>({} as Value)
expectType<true | 1 | 1n | '1'>({} as Flag)
expectNotAssignable<Fields>({ MAINPID: '1' })

expectType<boolean>(mainPid(process_.pid))
expectError(mainPid('1'))
expectType<boolean>(errno(2))
expectType<boolean>(errno('ENOENT'))
expectType<boolean>(errno(new Error('a caught one')))
expectError(errno({ code: 'ENOENT' }))
expectError(errno())

// Milliseconds are numbers, and the promise is of the work's own value.
expectType<boolean>(extendTimeout(1000))
expectError(extendTimeout(1000n))
expectError(extendTimeout())
expectType<Promise<number>>(extendTimeoutWhile(Promise.resolve(1)))
expectType<Promise<number>>(extendTimeoutWhile(async () => 1, 5000))
expectType<Promise<string>>(extendTimeoutWhile(() => 's'))
expectError(extendTimeoutWhile(1))
expectType<Promise<boolean>>(barrier())
expectType<Promise<boolean>>(barrier(100))
expectError(barrier('100'))

expectType<Watchdog>(watchdog)
expectType<boolean>(watchdog.start())
expectType<boolean>(watchdog.start({ gates: [() => true, async () => { }], diagnose: true }))
expectError(watchdog.start({ gates: () => true }))
expectError(watchdog.start({ gates: [true] }))
expectError(watchdog.start({ diagnose: 'yes' }))
expectError(watchdog.start(5000))
expectAssignable<WatchdogOptions>({})
expectType<boolean>(watchdog.stop())
expectType<boolean>(watchdog.ping())
expectType<boolean>(watchdog.trigger())
expectType<number | null>(watchdog.interval)
expectError(watchdog.interval = 1)

// What was handed over can be read and not be changed.
expectType<ListenFd[]>(listenFds())
expectType<ListenFd[]>(listenFds('http'))
expectError(listenFds(3))
expectType<number>(listenFds()[0].fd)
expectType<string>(listenFds()[0].name)
expectError(listenFds()[0].fd = 5)

expectType<boolean>(storeFd(3, 'http'))
expectType<boolean>(storeFd(3, 'http', { poll: false }))
expectType<boolean>(storeFd({ address: () => ({}), ref() { return this }, unref() { return this } }, 'http'))
expectNotAssignable<Storable>({ fd: 3 })
expectAssignable<StoreOptions>({ poll: undefined })
expectError(storeFd(3))
expectError(storeFd('http', 3))
expectError(storeFd(3, 'http', { poll: 0 }))
expectType<boolean>(removeFd('http'))
expectError(removeFd())

expectType<boolean>(booted())
expectType<'fd' | 'addon' | null>(transport)
expectError(aye.transport = 'fd')
expectError(aye.socket)

declare const process_: { pid: number }
