'use strict'

// SIGTERM, told to someone before it does what it would have done. A listener disables the default, the end of the
// process by that very signal; so this one is there until the first SIGTERM only, runs before all others, and takes
// itself away before they run: they find what they would find without it (signal-exit, for one, counts the listeners to
// decide whether to end the process), and where there is no other, the signal is sent once more and ends the process.

const SIGNAL = 'SIGTERM'

/**
 * @param {NodeJS.Process} process
 * @param {() => void} tell
 */
function onceTerminated(process, tell) {
  let left = false

  function terminated() {
    process.removeListener('removeListener', removed)
    process.removeListener(SIGNAL, terminated)
    tell()
    if (!left && process.listenerCount(SIGNAL) === 0) process.kill(process.pid, SIGNAL)
  }

  // One that is called before this one after all, and once, is no longer there but has the signal in hand. It is one
  // that was put in front later; Deno calls them in the order in which they were added, wherever they were put.
  function removed(name, listener) {
    if (name !== SIGNAL || listener === terminated) return
    left = true
    setImmediate(() => { left = false }).unref()
  }

  process.on('removeListener', removed)
  process.prependListener(SIGNAL, terminated)
}

module.exports = { onceTerminated }
