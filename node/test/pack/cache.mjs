// What the tests of the package and the benches take from npm: programs of fixed versions, each installed once into a
// folder of the cache outside the repository. Beside them the Nodes that runtimes.mjs keeps there, with their headers,
// so that packages in C++ can be built without a network address but npm's.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export const CACHE = process.env.AYE_CACHE ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'aye')
const TOOLS = join(CACHE, 'pack')

/** The tools by name: what to install, and their program in node_modules. */
const RECIPES = {
  npm: { package: 'npm@12.0.0', program: 'npm/bin/npm-cli.js' },
  tsd: { package: 'tsd@0.33.0', program: 'tsd/dist/cli.js' },
  typescript: { package: 'typescript@5.9.3', program: 'typescript/bin/tsc' },
  publint: { package: 'publint@0.3.25', program: 'publint/src/cli.js' },
  attw: { package: '@arethetypeswrong/cli@0.18.5', program: '@arethetypeswrong/cli/dist/index.js' },
}

/** The program of a tool, a JavaScript file. */
export function tool(name) {
  const { package: wanted, program } = RECIPES[name]
  return join(install(join(TOOLS, `${name}-${wanted.split('@').at(-1)}`), [wanted], program), program)
}

/** A Node of that major version: its program, and `home` with its headers, which node-gyp takes for --nodedir. */
export function node(major) {
  const name = `node-linux-${process.arch}`
  const home = join(install(join(CACHE, 'runtimes', `node-${major}`), [`${name}@${major}`], `${name}/bin/node`), name)
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  return { home, version, program: join(home, 'bin/node') }
}

/** Packages built from source for this very Node; the folder to require them from. */
export function build(packages, program) {
  const major = process.versions.node.split('.', 1)[0]
  const folder = join(TOOLS, `built-${major}-${packages.join('-').replace(/[^\w.]+/g, '-')}`)
  const env = { ...process.env, npm_config_nodedir: node(major).home, npm_config_dangerously_allow_all_scripts: 'true' }
  return install(folder, packages, program, { scripts: true, env })
}

/** Installs into `folder` what is not there; its node_modules. The name comes last, so what is found is whole. */
function install(folder, packages, program, { scripts = false, env = process.env } = {}) {
  const modules = join(folder, 'node_modules')
  if (existsSync(join(modules, program))) return modules
  const making = `${folder}.${process.pid}`
  mkdirSync(making, { recursive: true })
  const flags = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', making]
  if (!scripts) flags.push('--ignore-scripts')
  const { status, stderr } = spawnSync('npm', ['install', ...flags, ...packages], { env, encoding: 'utf8' })
  if (status !== 0 || !existsSync(join(making, 'node_modules', program))) {
    rmSync(making, { recursive: true })
    throw new Error(`installing ${packages.join(' ')} into ${folder} failed, is there a network? npm says: ${stderr}`)
  }
  rmSync(folder, { recursive: true, force: true })
  renameSync(making, folder)
  return modules
}
