'use strict'

// The JavaScript side of bench/node/run, `ping.js WAY COUNT`: for each line it reads it sends COUNT heartbeats in one
// way and answers with the microseconds of CPU time that one took, all threads of this Node together, as `ping send`
// does in C. The packages built from source are those of $AYE_BENCH_BUILT.

const { spawnSync } = require('node:child_process')
const { join } = require('node:path')
const { createInterface } = require('node:readline')

const [WAY, COUNT] = [process.argv[2], Number(process.argv[3])]
const HEARTBEAT = Buffer.from('WATCHDOG=1')

// Each way gives a function that sends one heartbeat; it gives false when the queue was full, as a way that does not
// wait sees it when the machine keeps the receiver from its work.
const ways = {
  'fd': () => aye('fd'),
  'addon': () => aye('addon'),
  'sd-notify': () => require(join(process.env.AYE_BENCH_BUILT, 'sd-notify')).watchdog,
  'unix-dgram': unixDgram,
  'systemd-notify': () => command,
}

function aye(wanted) {
  const { transport, watchdog } = require('../../node')
  if (transport !== wanted) throw new Error(`transport is ${transport}, not ${wanted}: start it through bench/node/run`)
  return watchdog.ping
}

/** One socket, connected once, as its documentation has it. */
function unixDgram() {
  let sent = true
  const socket = require(join(process.env.AYE_BENCH_BUILT, 'unix-dgram')).createSocket('unix_dgram')
  socket.on('congestion', () => { sent = false }).connect(process.env.NOTIFY_SOCKET)
  return () => {
    sent = true
    socket.send(HEARTBEAT)
    return sent
  }
}

function command() {
  const { status, error } = spawnSync('systemd-notify', ['WATCHDOG=1'], { stdio: 'ignore' })
  if (status !== 0) throw error ?? new Error(`systemd-notify ended with ${status}`)
}

const beat = ways[WAY]()

/** CPU time in microseconds; that of a started program is not this process's, so for those the time that passed. */
function consumed() {
  if (WAY === 'systemd-notify') return performance.now() * 1000
  const { user, system } = process.cpuUsage()
  return user + system
}

function measure() {
  let refused = 0
  const begin = consumed()
  for (let sent = 0; sent < COUNT;) {
    if (beat() !== false) sent++
    else if (++refused > 1000 * COUNT) throw new Error(`${WAY}: heartbeats are refused, does the receiver still run?`)
  }
  return (consumed() - begin) / COUNT
}

createInterface({ input: process.stdin })
  .on('line', () => console.log(measure().toFixed(3)))
  // unix-dgram's handle would keep the process alive.
  .on('close', () => process.exit())
