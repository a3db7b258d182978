// The types under `import`: what a program writes compiles, and what the package refuses does not. Compiled by pack/types.test.mjs.

import aye, {
  barrier, booted, errno, extendTimeout, extendTimeoutWhile, listenFds, mainPid, notify, ready, reloading, removeFd, status,
  stopping, storeFd, transport, watchdog,
} from 'aye'
import type { Fields, ListenFd, Storable, Value, Watchdog } from 'aye'

const handed: boolean[] = [ready(), ready('up'), status('s'), stopping(), reloading('r'), watchdog.start(), aye.ready()]
const all: ListenFd[] = listenFds()
const fd: number | undefined = listenFds('http')[0]?.fd
const fields: Record<string, Value> = { STATUS: 's', X_A: 1, X_B: 2n, X_C: true }
const known: Fields = { READY: true, WATCHDOG: 'trigger', NOTIFYACCESS: 'all', EXTEND_TIMEOUT_USEC: 5_000_000n, X_TRACE: 7 }
const dog: Watchdog = watchdog
const asked: boolean = dog.start({ gates: [() => true, async () => {}], diagnose: true }) && dog.trigger()
const every: number | null = dog.interval
const more: boolean[] = [notify(known), mainPid(1), errno(2), errno('ENOENT'), errno(new Error('e')), extendTimeout(5), booted()]
const rows: Promise<number> = extendTimeoutWhile(async () => 5, 1000)
const row: Promise<number> = extendTimeoutWhile(Promise.resolve(5))
const read: Promise<boolean> = barrier(100)
declare const server: Storable
const kept: boolean = storeFd(server, 'http', { poll: false }) && storeFd(3, 'http') && removeFd('http')
const fine: boolean = notify(fields) && transport === 'fd' && dog.ping()
export { handed, all, fd, fine, asked, every, more, rows, row, read, kept }

// @ts-expect-error a flag is set or left out
notify({ READY: 0 })
// @ts-expect-error a private key begins with X_
notify({ REDAY: 1 })
// @ts-expect-error there is no such access
notify({ NOTIFYACCESS: 'some' })
// @ts-expect-error a gate is a function
watchdog.start({ gates: [true] })
// @ts-expect-error nobody sets the interval but the manager
watchdog.interval = 5
// @ts-expect-error a stored descriptor has a name
storeFd(3)


// @ts-expect-error a status needs its text
status()
// @ts-expect-error text is a string
ready(1)
// @ts-expect-error a value is no object
notify({ STATUS: {} })
// @ts-expect-error a descriptor cannot be changed
all[0]!.fd = 5
// @ts-expect-error there is no such transport
export const wrong = transport === 'socket'
