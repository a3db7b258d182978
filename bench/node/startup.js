'use strict'

// What loading the package adds to a program's start: CPU time and heap, beside an empty package of the same shape that
// is loaded in the same way, each in a fresh process, in turn. Part of bench/node/run; `startup.js load HOW NAME` is
// one of those processes.

const { spawnSync } = require('node:child_process')
const { mkdirSync, symlinkSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const ROUNDS = 50
const ROWS = [
  { title: 'require(\'aye\')', how: 'require', name: '', limit: 1 },
  { title: 'import \'aye\'', how: 'import', name: '' },
  { title: 'import \'aye/auto\'', how: 'import', name: '/auto', limit: 1 },
  { title: 'require(\'aye\')', how: 'require', name: '', on: 'fd' },
  { title: 'require(\'aye\')', how: 'require', name: '', on: 'addon' },
  { title: 'import \'aye/auto\'', how: 'import', name: '/auto', on: 'fd' },
  { title: 'import \'aye/auto\'', how: 'import', name: '/auto', on: 'addon' },
].map((row) => ({ ...row, title: `${row.title} ${row.on ? `by ${row.on}` : 'off systemd'}` }))

/** One fresh process: loads the package and says what that took. */
async function load(how, name) {
  const used = () => (gc(), process.memoryUsage().heapUsed)
  const before = used()
  const begin = process.cpuUsage()
  const loaded = how === 'require' ? require(name) : await import(name)
  const { user, system } = process.cpuUsage(begin)
  console.log(JSON.stringify({ ms: (user + system) / 1000, heap: used() - before, transport: loaded.transport }))
}

/** A project with the package, and beside it one of the same shape that does nothing. */
function place(directory) {
  const [modules, empty] = [join(directory, 'node_modules'), join(directory, 'node_modules/empty')]
  mkdirSync(empty, { recursive: true })
  symlinkSync(join(__dirname, '../../node'), join(modules, 'aye'))
  const { type, exports } = require('../../node/package.json')
  writeFileSync(join(empty, 'package.json'), JSON.stringify({ type, exports }))
  writeFileSync(join(empty, 'index.js'), '\'use strict\'\n')
  writeFileSync(join(empty, 'auto.js'), '\'use strict\'\n')
  writeFileSync(join(empty, 'index.mjs'), 'import it from \'./index.js\'\nexport default it\n')
  const program = join(directory, 'startup.js')
  symlinkSync(__filename, program)
  return program
}

function run(program, { how, name, on }, package_, { wrap, socket, env }) {
  const flags = ['--expose-gc', '--preserve-symlinks-main', program, 'load', how, `${package_}${name}`]
  const [command, ...args] = [...on === 'fd' ? wrap : [], process.execPath, ...flags]
  const options = { env: { ...env, NOTIFY_SOCKET: on && socket }, encoding: 'utf8' }
  const { status, stdout, stderr } = spawnSync(command, args, options)
  if (status !== 0) throw new Error(`loading ${package_}${name} failed: ${stderr}`)
  return JSON.parse(stdout)
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

/**
 * @param {string} directory an empty one
 * @param {{ wrap: string[], socket: string, env: object }} world how to hand over a descriptor, and an address
 * @returns {{ title: string, ms: number, kib: number, limit?: number }[]} the medians of what is added
 */
function measure(directory, world) {
  const program = place(directory)
  return ROWS.map((row) => {
    const added = []
    for (let round = 0; round < ROUNDS; round++) {
      const order = round % 2 ? ['aye', 'empty'] : ['empty', 'aye']
      const { aye, empty } = Object.fromEntries(order.map((name) => [name, run(program, row, name, world)]))
      const wrong = row.name === '' && aye.transport !== (row.on ?? null)
      if (wrong) throw new Error(`${row.title}: the transport is ${aye.transport}`)
      added.push({ ms: aye.ms - empty.ms, heap: aye.heap - empty.heap })
    }
    const [ms, heap] = ['ms', 'heap'].map((name) => median(added.map((one) => one[name])))
    return { title: row.title, ms, kib: heap / 1024, limit: row.limit }
  })
}

if (require.main === module) load(...process.argv.slice(3))

module.exports = { ROUNDS, measure, median }
