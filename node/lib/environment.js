'use strict'

// What the service manager said about this process, read once from the environment: the only place of the package that
// takes anything from it, and nothing here ever changes it, so whoever else reads LISTEN_FDS finds it as systemd left
// it. `read` is a function of its arguments; the facts are those of sd_listen_fds(3), sd_notify(3),
// sd_watchdog_enabled(3).

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES',
  'SYSTEMD_EXEC_PID']
const FIRST_FD = 3
const NAME_WITHOUT_NAMES = 'unknown'
// uint64 without the value that sd_watchdog_enabled(3) reads as infinity.
const LONGEST_USEC = 2n ** 64n - 2n

/**
 * @param {Record<string, string | undefined>} env `VARIABLES` of the environment
 * @param {number} pid this process
 * @param {(fd: number) => boolean | null} isSocket of an open descriptor; null when it is not open
 */
function read(env, pid, isSocket) {
  const passed = readListen(env, pid, isSocket)
  return {
    expected: Boolean(env.NOTIFY_SOCKET || env.WATCHDOG_USEC),
    address: env.NOTIFY_SOCKET || null,
    ...passed,
    watchdog: readWatchdog(env, pid),
    started: processStarted(env, pid),
    notMain: () => notMain(env, pid),
    remedy: (why) => remedy(env, pid, passed, why),
  }
}

/** The descriptors passed to this process: `notify` is the number of the notify socket, `fds` are all others. */
function readListen(env, pid, isSocket) {
  const nothing = { fds: [], notify: null, problem: null }
  if (env.LISTEN_PID !== String(pid) || env.LISTEN_FDS === undefined) return nothing
  const broken = (problem) => ({ ...nothing, problem })

  if (!/^\d{1,9}$/.test(env.LISTEN_FDS)) return broken(`LISTEN_FDS is no number of descriptors: '${env.LISTEN_FDS}'`)
  const count = Number(env.LISTEN_FDS)
  const names = env.LISTEN_FDNAMES === undefined ? null : env.LISTEN_FDNAMES.split(':')
  if (names && names.length !== count) {
    return broken(`LISTEN_FDNAMES holds ${names.length} names, LISTEN_FDS says ${count} descriptors`)
  }

  const fds = []
  for (let fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
    if (isSocket(fd) === null) {
      return broken(`LISTEN_FDS says ${count} descriptors, but ${fd} is not open to this program ` +
        '(Deno shows none to JavaScript)')
    }
    fds.push(Object.freeze({ fd, name: names ? names[fd - FIRST_FD] : NAME_WITHOUT_NAMES }))
  }
  return splitNotify(fds, isSocket)
}

/** systemd appends what OpenFile= opened after the listening and the stored descriptors, hence the last one counts. */
function splitNotify(fds, isSocket) {
  const candidate = fds.filter(({ name }) => name === 'notify').pop()
  if (!candidate) return { fds, notify: null, problem: null }
  if (!isSocket(candidate.fd)) {
    return { fds, notify: null, problem: `descriptor ${candidate.fd}, named notify, is not a socket` }
  }
  return { fds: fds.filter((one) => one !== candidate), notify: candidate.fd, problem: null }
}

/** The watchdog's timeout in microseconds when it is this process that must feed it; `foreign`: another one must. */
function readWatchdog(env, pid) {
  const off = { usec: null, problem: null, foreign: false }
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: owner } = env
  if (usec === undefined) return off
  if (owner !== undefined && owner !== String(pid)) {
    if (/^\d+$/.test(owner)) return { ...off, foreign: true }
    return { ...off, problem: `WATCHDOG_PID is no process id: '${owner}'` }
  }
  if (!/^0*[1-9]\d{0,19}$/.test(usec) || BigInt(usec) > LONGEST_USEC) {
    return { ...off, problem: `WATCHDOG_USEC is no time in microseconds: '${usec}'` }
  }
  return { ...off, usec: BigInt(usec) }
}

/** The process that the manager started, when that is another one than this and is known. */
function processStarted(env, pid) {
  // systemd before 248 names it only where there is a watchdog.
  const started = env.SYSTEMD_EXEC_PID ?? env.WATCHDOG_PID
  return /^\d+$/.test(started) && started !== String(pid) ? started : null
}

/** What to say when messages go out, but of a process that the manager will likely not listen to. */
function notMain(env, pid) {
  const started = processStarted(env, pid)
  return `the service manager started process ${started}, this is process ${pid}, and with NotifyAccess=main it ` +
    'refuses what this one says: add the line NotifyAccess=all to [Service], or let ExecStart= start node itself ' +
    '(no npm start, no shell in between) and call aye in that process (of a cluster, in the primary)'
}

/**
 * Why nothing can be sent although a service manager waits for messages, and what to do about it.
 * @param {string} [why] what keeps the addon from speaking to $NOTIFY_SOCKET
 */
function remedy(env, pid, { problem }, why) {
  const started = env.LISTEN_PID ?? env.SYSTEMD_EXEC_PID
  const stranger = started !== undefined && started !== String(pid)
  if (!env.NOTIFY_SOCKET) {
    return 'WATCHDOG_USEC is set, but NOTIFY_SOCKET is not: ' + (stranger
      ? `something between process ${started}, which the service manager started, and this process ${pid} drops it ` +
        '(sudo, env -i): let ExecStart= start node itself'
      : 'something drops it before node runs (sudo, env -i, UnsetEnvironment=): let it pass')
  }
  if (problem) return why ? `${why}; ${problem}` : problem
  const reasons = why ? `${why}; ` : ''
  if (stranger) {
    return `${reasons}the service manager started process ${started} and gives a descriptor to it alone, this is ` +
      `process ${pid}: let ExecStart= start node itself (no npm start, no shell between) and call aye in that process`
  }
  const line = env.NOTIFY_SOCKET.startsWith('/')
    ? `add the line OpenFile=${env.NOTIFY_SOCKET}:notify to [Service] (systemd 253 or later), or `
    : ''
  return `${reasons}no notify descriptor was passed to this process: ${line}start it with ExecStart=aye wrap -- ...`
}

module.exports = { VARIABLES, read }
