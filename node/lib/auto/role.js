'use strict'

// Whether a process is the one that the service manager started. Its children inherit the environment, and NODE_OPTIONS
// would have each of them say READY=1. Pure.

// Set by the first process that finds itself to be the main one, for its children where nothing else tells them apart:
// systemd before 248 sets no SYSTEMD_EXEC_PID, nor does a container engine.
const MARK = 'AYE_AUTO_PID'
// Those of systemd.exec(5) are of the one process it started. One of them is enough: `aye wrap` in the shell of a desktop
// sets LISTEN_PID, and finds a SYSTEMD_EXEC_PID that is the terminal's.
const WITNESSES = ['LISTEN_PID', 'WATCHDOG_PID', 'SYSTEMD_EXEC_PID', MARK]

/**
 * @param {Record<string, string | undefined>} env the environment, as `process.env`
 * @param {number} pid this process
 */
function isMain(env, pid) {
  const named = told(env)
  return named.length === 0 || named.includes(String(pid))
}

/** Leaves the mark for the children where they would find nothing else. */
function mark(env, pid) {
  if (told(env).length === 0) env[MARK] = String(pid)
}

function told(env) {
  return WITNESSES.map((name) => env[name]).filter((value) => value !== undefined)
}

module.exports = { MARK, isMain, mark }
