// The types of aye/sd-notify, the interface of the npm package sd-notify 2.8.0: for `require`, for `import notify from`
// and for imports by name. What compiles with the types of DefinitelyTyped for that package compiles with these, but
// for journalPrint(words): there is no level in it, and the package logged "undefined" as an emergency.
//
// Every function does nothing where there is no service manager. In new code use 'aye' itself, whose functions say
// whether a message was handed over.

/** `READY=1`: start-up is done. See sd_notify(3). */
export declare function ready(): void

/**
 * `STOPPING=1`: the service has begun to shut down.
 * @param pid ignored: the message is this process's own
 */
export declare function stopping(pid?: number): void

/**
 * `STATUS=`: the line that `systemctl status` shows. A line break in it becomes a space. It is no log entry: see `log`.
 */
export declare function sendStatus(text: string): void

/**
 * Sends assignments of sd_notify(3), such as `STATUS=text`: a string with a line for each, or an array of them. Lines
 * that are none are left out, with a warning. In an array, a line break is part of its text and becomes a space.
 * @throws {TypeError} assignments that are over 4096 bytes without their STATUS
 */
export declare function sendState(state: string | readonly string[]): void

/** Sends one `WATCHDOG=1`. */
export declare function watchdog(): void

/**
 * The time in milliseconds that systemd gives this process from one heartbeat to the next (`WatchdogSec=`); 0 when no
 * watchdog is asked of it. See sd_watchdog_enabled(3).
 */
export declare function watchdogInterval(): number

/**
 * Sends `WATCHDOG=1` now and from then on, from a timer that does not keep the process alive. A second call changes the
 * interval.
 * @param interval milliseconds, at most half of `watchdogInterval()`; left out: that half, or 3000 without a watchdog
 */
export declare function startWatchdogMode(interval?: number): void

/** Ends what `startWatchdogMode` began. */
export declare function stopWatchdogMode(): void

/** Logs words, with a blank between them, to the journal. */
export type JournalPrint = (...words: unknown[]) => void

/** A priority of syslog(3), from emerg to debug. */
export type Level = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7

/**
 * Logs words, with a blank between them, to the journal, and nothing where there is none. The text may have several
 * lines; by way of a stream (without the addon) each of them is an entry of its own.
 * @throws {TypeError} a level that is no whole number from 0 to 7
 */
export declare function journalPrint(level: Level, ...words: unknown[]): void

/** `journalPrint` by name. */
export interface Log {
  /** 0 */ emerg: JournalPrint
  /** 0 */ emergency: JournalPrint
  /** 1 */ alert: JournalPrint
  /** 2 */ crit: JournalPrint
  /** 2 */ critical: JournalPrint
  /** 3 */ err: JournalPrint
  /** 3 */ error: JournalPrint
  /** 4 */ warning: JournalPrint
  /** 4 */ warn: JournalPrint
  /** 5 */ notice: JournalPrint
  /** 6 */ info: JournalPrint
  /** 7 */ debug: JournalPrint
}

export declare const log: Log
