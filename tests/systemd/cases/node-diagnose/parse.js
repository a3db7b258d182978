'use strict'

// Keeps the event loop busy for good, in a function of this name.
module.exports = function parse() {
  for (;;) Math.random()
}
