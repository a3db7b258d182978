// The runs of one runtime: tests of real processes with the runtime as the process under test, what it has to say of
// that which it cannot do, and for a Node of this machine's kind the tests of single modules, by itself.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import process, { execPath, exit, kill } from 'node:process'
import { fileURLToPath } from 'node:url'

import { install } from './install.mjs'
import { suites } from './table.mjs'

const TESTS = dirname(dirname(fileURLToPath(import.meta.url)))
// Under an emulator on a busy machine a run takes minutes; what hangs in it has failed by its own limit long before.
const LONGEST_MS = 900_000

// Each run is a group of processes, so that whatever it has started ends with it; a Ctrl-C reaches none of them.
const groups = new Set()
const endGroups = () => groups.forEach((pid) => kill(-pid, 'SIGKILL'))
for (const signal of ['SIGINT', 'SIGTERM']) once(process, signal).then(() => { endGroups(); exit(1) })

const files = readdirSync(TESTS).filter((name) => name.endsWith('.test.js'))
const beginning = (begin) => files.filter((name) => name.startsWith(begin))
// All of it needs the addon.
const ADDON = 'service-addon.test.js'
/** What is in no suite, without what takes a machine's own Node or is about this repository and not about a runtime. */
const MODULES = files.filter((name) => !Object.values(suites).some(({ begin }) => name.startsWith(begin)) &&
  !/^(example|package|runtimes|addon-file|auto-frameworks)\.test\.js$/.test(name))

/** What is to be run for a runtime: `{ slow, run }`, where `run` gives `{ line, passed, output }`. */
export function runsOf(runtime) {
  const program = install(runtime.recipe)
  const version = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.replace(/^deno |^v|\s[^]*$/g, '')
  const { name, cannot = {}, says, start = [], runs, slow = false } = runtime
  const subject = { AYE_TEST_RUNTIME: [program, ...start].join(' '), AYE_TEST_CANNOT: Object.keys(cannot).join(' ') }
  const all = runs.map((one) => (one === 'modules'
    ? { what: one, by: program, tests: MODULES, env: {} }
    : { what: one, by: execPath, ...suite(one, cannot, subject) }))
  if (says) all.push({ what: 'what it cannot do', by: execPath, tests: [join('runtimes/cannot', says)], env: subject })
  return all.filter(({ tests }) => tests.length > 0)
    .map((one) => ({ slow, run: () => report(`${name} (${version}, ${one.what})`, one) }))
}

function suite(name, cannot, subject) {
  const { begin, transport } = suites[name]
  const tests = beginning(begin).filter((test) => test !== ADDON || !cannot.addon)
  return { tests, env: transport ? { ...subject, AYE_TEST_TRANSPORT: transport } : subject }
}

async function report(title, { by, tests, env }) {
  const { status, output } = await run(by, tests, env)
  const [count, passed] = [figure(output, 'tests'), figure(output, 'pass')]
  const line = `${title}: ${passed} of ${count} passed`
  return { line, passed: status === 0 && passed > 0 && passed === count, output }
}

/** Runs files by `node --test`; a run that does not end is ended, with whatever it has started. */
async function run(program, names, env) {
  const args = ['--test', '--test-reporter=tap', ...names.map((name) => relative(process.cwd(), join(TESTS, name)))]
  const stdio = ['ignore', 'pipe', 'inherit']
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio, detached: true })
  groups.add(child.pid)
  const timer = setTimeout(() => kill(-child.pid, 'SIGKILL'), LONGEST_MS)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => { output += text })
  const [status, signal] = await once(child, 'close')
  clearTimeout(timer)
  groups.delete(child.pid)
  if (signal) output += `# ended by ${signal} after ${LONGEST_MS / 1000} s\n`
  return { status, output }
}

/** One of the counts at the end of what node --test says in TAP. */
function figure(output, what) {
  return Number(output.match(new RegExp(`^# ${what} (\\d+)$`, 'm'))?.[1] ?? 0)
}
