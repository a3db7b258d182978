// Runs the tests on other runtimes than the machine's: `node node/test/runtimes.mjs [18 20 22 24 26 bun deno]`, all of
// them without arguments. Their binaries come as npm packages into a cache outside the repository; a cached one is used
// as it is. Node runs the whole suite itself; under Bun and Deno it is the process under test that they run.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = dirname(fileURLToPath(import.meta.url))
const CACHE = join(process.env.AYE_CACHE ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'aye'), 'runtimes')
const NODES = ['18', '20', '22', '24', '26']

const suite = readdirSync(HERE).filter((name) => name.endsWith('.test.js')).map((name) => join(HERE, name))

/** What to install for a runtime, where its program lies then, and which tests it runs. */
function recipe(name) {
  const { arch } = process
  if (NODES.includes(name)) return { package: `node-linux-${arch}@${name}`, program: `node-linux-${arch}/bin/node`, tests: suite }
  if (name === 'bun') {
    const program = `@oven/bun-linux-${arch === 'arm64' ? 'aarch64' : arch}/bin/bun`
    return { package: 'bun', program, arguments: [], tests: [join(HERE, 'service.test.js')] }
  }
  if (name === 'deno') {
    return { package: 'deno', program: `@deno/linux-${arch}-glibc/deno`, arguments: ['run', '-A'], tests: [join(HERE, 'deno/transport.test.js')] }
  }
  throw new Error(`no runtime is called '${name}': use ${[...NODES, 'bun', 'deno'].join(', ')}`)
}

function install(name, { package: wanted, program }) {
  const home = join(CACHE, NODES.includes(name) ? `node-${name}` : name)
  const path = join(home, 'node_modules', program)
  if (existsSync(path)) return path
  mkdirSync(home, { recursive: true })
  const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--silent', '--prefix', home]
  const { status } = spawnSync('npm', ['install', ...flags, wanted], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0 || !existsSync(path)) throw new Error(`installing ${wanted} into ${home} failed: is there a network?`)
  return path
}

function run(name) {
  const wanted = recipe(name)
  const program = install(name, wanted)
  const foreign = wanted.arguments !== undefined
  const env = foreign ? { ...process.env, AYE_TEST_RUNTIME: [program, ...wanted.arguments].join(' ') } : process.env
  const files = wanted.tests.map((file) => relative(process.cwd(), file))
  const { stdout, status } = spawnSync(foreign ? process.execPath : program, ['--test', '--test-reporter=tap', ...files],
    { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 26 })
  const version = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.split('\n', 1)[0]
  const figure = (what) => Number(stdout.match(new RegExp(`^# ${what} (\\d+)$`, 'm'))?.[1] ?? 0)
  const passed = status === 0 && figure('pass') > 0 && figure('pass') === figure('tests')
  if (!passed) process.stdout.write(stdout)
  console.log(`${name} (${version.replace(/^deno |\s.*$/g, '')}): ${figure('pass')} of ${figure('tests')} passed`)
  return passed
}

try {
  const chosen = process.argv.slice(2)
  const passed = (chosen.length > 0 ? chosen : [...NODES, 'bun', 'deno']).map(run)
  process.exitCode = passed.every(Boolean) ? 0 : 1
} catch (error) {
  console.error(`runtimes: ${error.message}`)
  process.exitCode = 1
}
