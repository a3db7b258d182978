// The runs of one runtime: the tests of real processes over each transport with the runtime as the process under test, what
// it has to say of that which it cannot do, and where it is a Node of this machine's kind all other tests by itself.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'

import { install } from './install.mjs'
import { features } from './table.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))
const TESTS = dirname(HERE)
const LONGEST_MS = 240_000

/** Files of tests, those of real processes and the others, without what is about this repository and not about a runtime. */
const files = readdirSync(TESTS).filter((name) => name.endsWith('.test.js'))
const PROCESS = files.filter((name) => name.startsWith('service'))
// All of it needs the addon.
const ADDON = 'service-addon.test.js'
const OTHER = files.filter((name) => !PROCESS.includes(name) && !/^(example|package|readme|.*frameworks)\.test\.js$/.test(name))

/** What is to be run for a runtime, each a function that gives `{ line, passed, output }`. */
export function runsOf(runtime) {
  const program = install(runtime.recipe)
  const version = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.replace(/^deno |^v|\s[^]*$/g, '')
  const { cannot = {}, says, start = [], runsTests } = runtime
  const subject = { AYE_TEST_RUNTIME: [program, ...start].join(' '), AYE_TEST_CANNOT: Object.keys(cannot).join(' ') }
  const tests = PROCESS.filter((name) => name !== ADDON || !cannot.addon)
  const runs = features.filter(({ name, transport }) => transport && !cannot[name])
    .map(({ name, transport }) => [name, execPath, tests, { ...subject, AYE_TEST_TRANSPORT: transport }])
  if (says) runs.push(['what it cannot do', execPath, [join('runtimes/cannot', says)], subject])
  if (runsTests) runs.push(['modules', program, OTHER, {}])
  return runs.map(([what, ...rest]) => async () => {
    const { tests, passed, status, output } = await run(...rest)
    const line = `${runtime.name} (${version}, ${what}): ${passed} of ${tests} passed`
    return { line, passed: status === 0 && passed > 0 && passed === tests, output }
  })
}

/** Runs files by `node --test`; a run that does not end is ended, with whatever it has started. */
async function run(program, names, env) {
  const args = ['--test', '--test-reporter=tap', ...names.map((name) => relative(process.cwd(), join(TESTS, name)))]
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), LONGEST_MS)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => { output += text })
  const [status, signal] = await once(child, 'close')
  clearTimeout(timer)
  if (signal) output += `# ended by ${signal} after ${LONGEST_MS / 1000} s\n`
  return { tests: figure(output, 'tests'), passed: figure(output, 'pass'), status, output }
}

/** One of the counts at the end of what node --test says in TAP. */
function figure(output, what) {
  return Number(output.match(new RegExp(`^# ${what} (\\d+)$`, 'm'))?.[1] ?? 0)
}
