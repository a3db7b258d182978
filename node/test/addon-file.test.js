'use strict'

// Each file of prebuilds: for its CPU, small, and dependent on nothing but what every process that loads it has.

const assert = require('node:assert/strict')
const { existsSync, readdirSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')

const { inspect } = require('./support/elf.js')

const PREBUILDS = join(__dirname, '../prebuilds')
// By process.arch; the numbers are e_machine of <elf.h>.
const MACHINES = { x64: 62, arm64: 183, arm: 40, ppc64: 21, riscv64: 243, s390x: 22 }
const RELEASED = ['arm', 'arm64', 'ppc64', 's390x', 'x64']
const EXPORTED = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']

// Of the C library, in each of its makes.
const MEMORY = ['abort', 'bcmp', 'free', 'malloc', 'memcmp', 'memcpy', 'memmove', 'memset', 'realloc', 'strlen']
// For the watch over the loop, which these have: its thread, and V8 in the process.
const WATCH = ['calloc', 'dladdr', 'dlsym', 'pthread_attr_destroy', 'pthread_attr_init', 'pthread_attr_setdetachstate',
  'pthread_attr_setstacksize', 'pthread_create', 'pthread_sigmask', 'sigfillset']
// Where Rust 1.85 has no assembler of the CPU, rustix calls the C library in the place of the kernel.
const CALLS = ['__errno_location', 'bind', 'close', 'connect', 'fcntl', 'poll', 'ppoll', 'pipe2', 'recv', 'send', 'sendmsg',
  'setsockopt', 'shutdown', 'socket', 'timerfd_create', 'timerfd_settime']
const KNOWN = { x64: WATCH, arm64: WATCH, ppc64: CALLS, s390x: CALLS }

const built = existsSync(PREBUILDS) ? readdirSync(PREBUILDS).map((name) => name.replace(/^linux-(.*)\.node$/, '$1')) : []

test('there is one file for each CPU that Node is released for, and none that is unknown', () => {
  assert.deepEqual(RELEASED.filter((cpu) => !built.includes(cpu)), [], 'run make addon')
  assert.deepEqual(built.filter((cpu) => MACHINES[cpu] === undefined), [])
})

for (const cpu of built) {
  const file = () => inspect(join(PREBUILDS, `linux-${cpu}.node`))

  test(`${cpu}: is for that CPU and at most 32 KiB`, () => {
    const { machine: found, size } = file()
    assert.equal(found, MACHINES[cpu])
    assert.ok(size <= 32 * 1024, `${size} bytes`)
  })

  test(`${cpu}: needs no library, and no stack that can be executed`, () => {
    const { needed, stack } = file()
    assert.deepEqual({ needed, stack }, { needed: 0, stack: 'plain' })
  })

  test(`${cpu}: exports what makes it an addon, and takes from its process what each has`, () => {
    const known = [...MEMORY, ...KNOWN[cpu] ?? []]
    const { exported, undefined: undefined_ } = file()
    assert.deepEqual(exported, EXPORTED)
    assert.ok(undefined_.includes('napi_create_function'))
    assert.deepEqual(undefined_.filter((name) => !name.startsWith('napi_') && !known.includes(name)), [])
  })
}
