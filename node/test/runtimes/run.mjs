// Runs the tests of one runtime: those of each feature with the runtime as the process under test, and where it is a Node
// of this machine's kind the tests of single modules by itself. Each run is a line with its count.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import { install } from './install.mjs'
import { features } from './table.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))
const TESTS = dirname(HERE)

/** Tests of a module; the others start processes of the runtime, or are about this repository and not about a runtime. */
const MODULES = readdirSync(TESTS).filter((name) => /^(environment|message|transport|vectors)\.test\.js$/.test(name))

/** The runs of a runtime, each a function that gives `{ line, passed, output }` when it has ended. */
export function runsOf(runtime) {
  const program = install(runtime.recipe)
  const command = [program, ...runtime.start ?? []].join(' ')
  const version = once(spawn(program, ['--version'], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout, 'data')
    .then(([text]) => String(text).replace(/^deno |^v(?=\d)|\s[^]*$/g, ''))
  const runs = features.map(({ name, tests, env }) => {
    const missing = runtime.cannot?.[name]
    const files = missing ? [join(HERE, 'cannot', missing.test)] : tests.map((test) => join(TESTS, test))
    return () => run(process.execPath, files, { ...missing ? {} : env, AYE_TEST_RUNTIME: command }, missing ? `no ${name}` : name)
  })
  if (runtime.runsTests) runs.push(() => run(program, MODULES.map((name) => join(TESTS, name)), {}, 'modules'))
  return runs.map((one) => async () => {
    const { what, tests, passed, status, output } = await one()
    const line = `${runtime.name} (${await version}, ${what}): ${passed} of ${tests} passed`
    return { line, passed: status === 0 && passed > 0 && passed === tests, output }
  })
}

async function run(program, files, env, what) {
  const args = ['--test', '--test-reporter=tap', ...files.map((file) => relative(process.cwd(), file))]
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => { output += text })
  const [status] = await once(child, 'close')
  return { what, tests: figure(output, 'tests'), passed: figure(output, 'pass'), status, output }
}

/** One of the counts at the end of what node --test says in TAP. */
function figure(output, what) {
  return Number(output.match(new RegExp(`^# ${what} (\\d+)$`, 'm'))?.[1] ?? 0)
}
