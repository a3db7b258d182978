'use strict'

// The hello-worlds of web frameworks, as their documentation has them, made ready to run in a cache outside the
// repository: each installed from npm at the versions below, built once, and used as it is from then on. A change of a
// source, a version or a build makes another entry of the cache.

const { spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs')
const { homedir } = require('node:os')
const { join } = require('node:path')

const SOURCES = join(__dirname, 'frameworks')
const HOME = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
const CACHE = join(process.env.AYE_CACHE ?? join(HOME, 'aye'), 'frameworks')

const FRAMEWORKS = {
  express: {
    packages: { express: '5.3.0' },
    start: ['app.js'],
  },
  fastify: {
    packages: { fastify: '5.12.8' },
    start: ['server.js'],
  },
  nest: {
    packages: {
      '@nestjs/common': '12.5.1', '@nestjs/core': '12.5.1', '@nestjs/platform-express': '12.5.1',
      'reflect-metadata': '0.2.2', rxjs: '7.8.2', typescript: '5.9.3', '@types/node': '22.20.5',
    },
    build: ['node_modules/typescript/lib/tsc.js', '--project', 'tsconfig.json'],
    start: ['dist/main.js'],
  },
  next: {
    packages: { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' },
    build: ['node_modules/next/dist/bin/next', 'build'],
    start: ['node_modules/next/dist/bin/next', 'start'],
  },
}

/** The directory of a framework's program, built, from the cache or made now. */
function prepare(name) {
  const { packages, build } = FRAMEWORKS[name]
  const home = join(CACHE, `${name}-${digest(name)}`)
  const whole = join(home, '.whole')
  if (existsSync(whole)) return home
  // Built where it stays, since a build of Next.js holds its own path; one that was interrupted has no mark, and goes.
  rmSync(home, { recursive: true, force: true })
  mkdirSync(home, { recursive: true })
  cpSync(join(SOURCES, name), home, { recursive: true })
  writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true, dependencies: packages }))
  run(home, 'npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'])
  if (build) run(home, process.execPath, build)
  writeFileSync(whole, '')
  return home
}

/** Of all that decides what is built. */
function digest(name) {
  const { packages, build } = FRAMEWORKS[name]
  const hash = createHash('sha256').update(JSON.stringify([packages, build]))
  const root = join(SOURCES, name)
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  const paths = files.map((one) => join(one.parentPath ?? one.path, one.name)).sort()
  for (const path of paths) hash.update(path.slice(root.length)).update(readFileSync(path))
  return hash.digest('hex').slice(0, 12)
}

function run(cwd, command, args) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production', npm_config_omit: '' }
  const { status, signal, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  if (status === 0) return
  const what = [command, ...args].join(' ')
  throw new Error(`'${what}' in ${cwd} ended with ${status ?? signal}, is there a network?\n${stdout}${stderr}`)
}

module.exports = { FRAMEWORKS, prepare }
