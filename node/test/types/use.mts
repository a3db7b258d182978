// The types under `import`: what a program writes compiles, and what the package refuses does not. Compiled by types.mjs.

import aye, { listenFds, notify, ready, reloading, status, stopping, transport, watchdog } from 'aye'
import type { ListenFd, Value, Watchdog } from 'aye'

const handed: boolean[] = [ready(), ready('up'), status('s'), stopping(), reloading('r'), watchdog.start(), aye.ready()]
const all: ListenFd[] = listenFds()
const fd: number | undefined = listenFds('http')[0]?.fd
const fields: Record<string, Value> = { STATUS: 's', X_A: 1, X_B: 2n, X_C: true }
const dog: Watchdog = watchdog
const fine: boolean = notify(fields) && transport === 'fd' && dog.ping()
export { handed, all, fd, fine }

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
