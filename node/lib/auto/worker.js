'use strict'

// A worker of a cluster: it sends nothing to the service manager, and answers the primary's question from its event
// loop, which is what the answer vouches for. Messages whose `cmd` begins with NODE_ reach no listener of `message`, in
// the program or elsewhere; Node's documentation reserves them for itself, and each of its own parts passes over the
// names that it does not know. A channel of our own would be one more handle that keeps the worker alive.

const ASK = 'NODE_AYE_ASK'
const ANSWER = 'NODE_AYE_ANSWER'

/** @param {NodeJS.Process} process */
function answer(process) {
  process.on('internalMessage', (message) => {
    // With a callback, a channel that is closing is no error of the program.
    if (message?.cmd === ASK) process.send({ cmd: ANSWER }, () => {})
  })
}

module.exports = { ASK, ANSWER, answer }
