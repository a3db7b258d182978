'use strict'

// What blocks an event loop, by functions that a report can name.

const { execFileSync } = require('node:child_process')
const { pbkdf2Sync } = require('node:crypto')
const { existsSync, openSync, readSync } = require('node:fs')

/** Until there is such a file, or for ever. */
function parse(path) {
  while (!path || !existsSync(path)); // the line that a report names
}

/** Until something is written to the fifo. */
function load(path) {
  readSync(openSync(path, 'r+'), Buffer.alloc(1))
  parse(`${path}.on`)
}

function run(...command) {
  execFileSync(command[0], command.slice(1))
}

function lock() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

function digest() {
  pbkdf2Sync('password', 'salt', 2 ** 31 - 1, 64, 'sha512')
}

/** Promises one after another, so that nothing else has a turn. */
async function chain() {
  for (;;) await step()
}

async function step() {
  let sum = 0
  for (let n = 0; n < 10_000; n++) sum += n
  return sum
}

const named = { ['a\nREADY=1 \\x']: (path) => parse(path) }
const odd = Object.values(named)[0]

module.exports = { parse, load, run, lock, digest, chain, odd }
