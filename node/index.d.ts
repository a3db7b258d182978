// The package's types, for `require` and, through index.d.mts, for `import`.
//
// Every function that sends returns `true` when the message was handed to the service manager's socket and `false` when
// it was not: there is no service manager, or it could not be reached. Only wrong arguments throw, and only a TypeError.
// In every text a line break or NUL becomes a space and a backslash arrives as a backslash, so that text never becomes
// another assignment. A message holds 4096 bytes; a longer STATUS is cut at a character boundary and ends with `…`.

/**
 * `READY=1`: start-up, or a reload, is done. `systemctl start` and whoever else waits for the unit go on at this moment.
 * Waits for a service manager that is busy, as sd_notify(3) does; never lost.
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
 */
export declare function reloading(status?: string): boolean

/** A value of an assignment: `true` is sent as `1`, `false` as `0`; a number must be finite. */
export type Value = string | number | bigint | boolean

/**
 * Sends assignments of sd_notify(3) as they are, in one message and in this order, such as
 * `notify({ EXTEND_TIMEOUT_USEC: 5_000_000 })` (times ending in `_USEC` are microseconds). Private keys begin with `X_`.
 * Waits for a service manager that is busy; never lost.
 * @throws {TypeError} a key that is not made of A to Z, 0 to 9 and `_`, a value of another type, no field at all, or a
 *   message that is over 4096 bytes without its STATUS
 */
export declare function notify(fields: Readonly<Record<string, Value>>): boolean

/** Heartbeats for WatchdogSec=, see systemd.service(5) and sd_watchdog_enabled(3). */
export interface Watchdog {
  /**
   * Sends `WATCHDOG=1` now and from then on at half of `$WATCHDOG_USEC` (microseconds), from a timer of this event loop
   * that does not keep the process alive. `true`: heartbeats run, also when they already did. `false`: no watchdog is
   * asked of this process (`$WATCHDOG_PID`), or there is no way to send.
   */
  start(): boolean
  /** Ends what `start` began; `false` when nothing ran. systemd then kills the service at its timeout. */
  stop(): boolean
  /** Sends one `WATCHDOG=1`, for programs that keep time themselves. */
  ping(): boolean
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
 * The descriptors of socket activation and of the descriptor store, in order, or those of one name; empty when none were
 * passed to this very process (`$LISTEN_PID`). The notify socket itself is not among them. See sd_listen_fds(3).
 */
export declare function listenFds(name?: string): ListenFd[]

/**
 * How messages reach the service manager: `fd` is the socket handed over by `OpenFile=/run/systemd/notify:notify`
 * (systemd 253 or later) or by `aye wrap`; null: they do not. A later version adds `addon`.
 */
export declare const transport: 'fd' | 'addon' | null
