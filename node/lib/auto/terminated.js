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
  function terminated() {
    process.removeListener('newListener', added)
    process.removeListener(SIGNAL, terminated)
    tell()
    if (process.listenerCount(SIGNAL) === 0) process.kill(process.pid, SIGNAL)
  }

  // One that was put before this one and is called once would be gone when this one looks for others.
  function added(name, listener) {
    if (name === SIGNAL && listener !== terminated) queueMicrotask(lead)
  }

  function lead() {
    if (process.listeners(SIGNAL)[0] === terminated || !process.listeners('newListener').includes(added)) return
    // The others hold the signal meanwhile: it is never left to its default.
    process.removeListener(SIGNAL, terminated)
    process.prependListener(SIGNAL, terminated)
  }

  process.on('newListener', added)
  process.prependListener(SIGNAL, terminated)
}

module.exports = { onceTerminated }
