// The package's types, for `require` and, through index.d.mts, for `import`.
//
// Every function that sends returns `true` when the message was handed to the service manager's socket and `false` when
// it was not: there is no service manager, or it could not be reached. Only wrong arguments throw, and only a
// TypeError. In every text a line break or NUL becomes a space and a backslash arrives as a backslash, so that text
// never becomes another assignment. A message holds 4096 bytes; a longer STATUS is cut at a character boundary and ends
// with `…`.
//
// What goes wrong is said once each as a process warning of the type AyeWarning, with what to do about it:
//   AYE_NO_TRANSPORT  a service manager waits ($NOTIFY_SOCKET, $WATCHDOG_USEC), and there is no way to send
//   AYE_NOT_MAIN      the manager started another process ($SYSTEMD_EXEC_PID) and will likely refuse what this one says
//   AYE_SEND          a message was not handed over
//   AYE_NO_ADDON      a barrier or a stored descriptor needs the addon, and there is none
//   AYE_NO_FD         this runtime does not show the descriptor that is to be stored
//   AYE_NO_CLOCK      this runtime does not show the time that a reload carries
//   AYE_WATCHDOG      $WATCHDOG_USEC or $WATCHDOG_PID is garbage
//   AYE_GATE          a gate holds heartbeats back; again after they have gone out meanwhile
//   AYE_DIAGNOSE      nothing can say where a blocked event loop is stuck
//   AYE_LISTEN_FDS    the variables of socket activation contradict each other

/**
 * `READY=1`: start-up, or a reload, is done. `systemctl start` and whoever else waits for the unit go on at this
 * moment. Waits for a service manager that is busy, as sd_notify(3) does; never lost.
 * @param status one line for `systemctl status`; `''` clears it, without it the last one stays
 */
export declare function ready(status?: string): boolean

/**
 * `STATUS=`: one line on what the service is doing, shown by `systemctl status`; `''` clears it.
 * See sd_notify(3).
 */
export declare function status(text: string): boolean

/**
 * `STOPPING=1`: the service has begun to shut down. From here TimeoutStopSec= runs, see systemd.service(5).
 * Waits for a service manager that is busy; never lost.
 */
export declare function stopping(status?: string): boolean

/**
 * `RELOADING=1` with `MONOTONIC_USEC=` (CLOCK_MONOTONIC, microseconds) in one message, as Type=notify-reload asks for.
 * Call `ready()` when the reload is done. Waits for a service manager that is busy; never lost. See sd_notify(3).
 * Deno shows that time with --allow-all only; without it a warning says so, and RELOADING=1 goes out alone.
 */
export declare function reloading(status?: string): boolean

/** A value of an assignment: `true` is sent as `1`, `false` as `0`; a number must be finite. */
export type Value = string | number | bigint | boolean

/** The one value that an assignment without a choice takes. */
export type Flag = true | 1 | 1n | '1'

/**
 * The assignments of sd_notify(3) that need no descriptor, with the systemd version they came with; times are in
 * microseconds. What travels with a descriptor is `storeFd`'s and `barrier`'s.
 */
export interface Fields {
  /** Start-up, or a reload, is done; see `ready`. */
  READY?: Flag
  /** A reload begins, see `reloading`; MONOTONIC_USEC must come along for Type=notify-reload. */
  RELOADING?: Flag
  /** CLOCK_MONOTONIC when the reload began (253). */
  MONOTONIC_USEC?: number | bigint
  /** The service shuts down; see `stopping`. From systemd 259 on that is final. */
  STOPPING?: Flag
  /** One line for humans; `''` clears it. */
  STATUS?: string
  /** Whose messages count from here on (254). */
  NOTIFYACCESS?: 'none' | 'main' | 'exec' | 'all'
  /** What went wrong: 0 to 4095, or a name such as `ENOENT`; see `errno`. */
  ERRNO?: number | string
  /** What went wrong, as the name of a D-Bus error; shown from 257 on. */
  BUSERROR?: string
  /** What went wrong, as the name of a Varlink error (257). */
  VARLINKERROR?: string
  /** What a container or a virtual machine came to, 0 to 255 (254). */
  EXIT_STATUS?: number
  /** The main process; see `mainPid`. */
  MAINPID?: number
  /** The inode number of a pidfd of MAINPID, so that a later process of that number is not taken for it (257). */
  MAINPIDFDID?: number | bigint
  /** The heartbeat, or `trigger`: as if it had been missed (243); see `watchdog`. */
  WATCHDOG?: Flag | 'trigger'
  /** Another watchdog timeout from now on; 0 switches the watchdog off (233). */
  WATCHDOG_USEC?: number | bigint
  /** This much more time for what goes on now (236); see `extendTimeout`, which takes milliseconds. */
  EXTEND_TIMEOUT_USEC?: number | bigint
  /** Counts restarts from zero again (258). */
  RESTART_RESET?: Flag
  /** Forgets the stored descriptors of FDNAME (236); see `removeFd`. */
  FDSTOREREMOVE?: Flag
  /** At most 255 printable ASCII characters without `:` (233). */
  FDNAME?: string
  /** Private assignments, which systemd ignores. */
  [key: `X_${string}`]: Value | undefined
}

/**
 * Sends assignments of sd_notify(3) as they are, in one message and in this order, such as
 * `notify({ STATUS: 'migrating', EXTEND_TIMEOUT_USEC: 5_000_000 })`. Private keys begin with `X_`.
 * Waits for a service manager that is busy; never lost.
 * @throws {TypeError} a key that is not made of A to Z, 0 to 9 and `_`, a value of another type, no field at all, or a
 *   message that is over 4096 bytes without its STATUS
 */
export declare function notify(fields: Readonly<Fields>): boolean

/**
 * `MAINPID=`: that process is the service's main one from here on, for programs that fork and leave. Not the manager,
 * not a dead one; one outside the unit only when root says so. See sd_notify(3).
 */
export declare function mainPid(pid: number): boolean

/**
 * `ERRNO=`: what went wrong, for `systemctl status` (StatusErrno): 0 to 4095, a name such as `ENOENT`, or an error of
 * Node, whose `code` counts. An error without one that the kernel knows (ENOTFOUND of a name lookup) sends nothing:
 * `false`. See errno(3).
 */
export declare function errno(code: number | string | (Error & { code?: unknown })): boolean

/**
 * `EXTEND_TIMEOUT_USEC=`: start, reload, stop or watchdog may take this much longer, counted from now; never shortens.
 * What takes longer still says so again before that time is over. systemd 236 or later, see sd_notify(3).
 * @param ms milliseconds, at least 1
 */
export declare function extendTimeout(ms: number): boolean

/**
 * Extends the timeout by `ms` now and again every half of that, until the promise settles: for a migration of unknown
 * length. Its timer does not keep the process alive.
 * @param work a promise, or a function that is called once the first message is out
 * @param ms milliseconds, 10000 by default: how long after the event loop hangs the manager may still wait
 * @returns a promise of what `work` comes to, also when nothing could be sent
 */
export declare function extendTimeoutWhile<T>(
  work: PromiseLike<T> | (() => T | PromiseLike<T>),
  ms?: number,
): Promise<Awaited<T>>

/**
 * `BARRIER=1`: resolves to `true` once the manager has read everything sent so far, and so may end the process without
 * losing a message; `false` at the deadline, or when there is no way to ask. Never rejects. Several wait for their
 * turn. Needs the addon, on every transport. systemd 246 or later, see sd_notify_barrier(3).
 * @param ms milliseconds from the call, 5000 by default
 */
export declare function barrier(ms?: number): Promise<boolean>

/** What `watchdog.start` takes. */
export interface WatchdogOptions {
  /**
   * Asked at every heartbeat, all at once; each must pass for it to go out. A gate that throws, rejects, gives `false`
   * or is still pending at the next heartbeat holds it back, which is said once (`AYE_GATE`) until heartbeats go out
   * again.
   */
  gates?: ReadonlyArray<() => unknown>
  /** When heartbeats fail to come, say where the event loop is stuck, on stderr and as STATUS. */
  diagnose?: boolean
}

/** Heartbeats for WatchdogSec=, see systemd.service(5) and sd_watchdog_enabled(3). */
export interface Watchdog {
  /**
   * Sends `WATCHDOG=1` now and from then on at half of `$WATCHDOG_USEC`, from a timer of this event loop that does not
   * keep the process alive; it goes on through a shutdown, as systemd expects. `true`: heartbeats run, also when they
   * already did (gates and diagnosis are then added). `false`: no watchdog is asked of this process (`$WATCHDOG_PID`),
   * or there is no way to send.
   */
  start(options?: WatchdogOptions): boolean
  /** Ends what `start` began; `false` when nothing ran. systemd then kills the service at its timeout. */
  stop(): boolean
  /** Sends one `WATCHDOG=1`, for programs that keep time themselves. */
  ping(): boolean
  /**
   * `WATCHDOG=trigger`: the manager acts as if a heartbeat had been missed, also without WatchdogSec=; for a service
   * that knows that it cannot go on. systemd 243 or later. Waits for a service manager that is busy; never lost.
   */
  trigger(): boolean
  /** Milliseconds from one heartbeat to the next, half of `$WATCHDOG_USEC`; null: none is asked of this process. */
  readonly interval: number | null
}

export declare const watchdog: Watchdog

/** A descriptor that the service manager passed to this process. */
export interface ListenFd {
  /** for `server.listen({ fd })` */
  readonly fd: number
  /** FileDescriptorName= of its socket unit, by default the unit's name; `unknown` when no names were passed */
  readonly name: string
}

/**
 * The descriptors of socket activation and of the descriptor store, in order, or those of one name; empty when none
 * were passed to this very process (`$LISTEN_PID`). The notify socket itself is not among them. See sd_listen_fds(3).
 */
export declare function listenFds(name?: string): ListenFd[]

/** A server or socket of `net`, `http`, `https`, `http2`, `tls` or `dgram`, by what they have in common. */
export interface Storable {
  address(): unknown
  ref(): unknown
  unref(): unknown
}

/** What `storeFd` takes. */
export interface StoreOptions {
  /** `false` sends `FDPOLL=0`: keep it also when its other end hangs up (systemd 246); `true` by default */
  poll?: boolean
}

/**
 * `FDSTORE=1`: the manager keeps a copy of this descriptor, and the next start of the service finds it under `name`
 * among its `listenFds`. The unit says how many may be kept (FileDescriptorStoreMax=, see systemd.service(5)). One that
 * is kept already is not kept twice. Waits for a service manager that is busy. Needs the addon, on every transport.
 * @param what a server that listens, a socket that is bound or connected, or a descriptor's number
 * @param name at most 255 printable ASCII characters without `:`
 * @throws {TypeError} also of a server that does not listen yet
 */
export declare function storeFd(what: Storable | number, name: string, options?: StoreOptions): boolean

/** `FDSTOREREMOVE=1`: the manager forgets all that it keeps under `name` (systemd 236). Waits; never lost. */
export declare function removeFd(name: string): boolean

/** Whether systemd is this machine's init, see sd_booted(3); user managers and containers say nothing of it. */
export declare function booted(): boolean

/**
 * How messages reach the service manager: `fd` is the socket handed over by `OpenFile=/run/systemd/notify:notify`
 * (systemd 253 or later) or by `aye wrap`; `addon` is the prebuilt addon, which sends to `$NOTIFY_SOCKET`; null: they
 * do not, and where they should a warning says why and what to do.
 */
export declare const transport: 'fd' | 'addon' | null
