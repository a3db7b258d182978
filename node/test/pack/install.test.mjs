// The tarball installed by npm 12 where nothing helps it: no network, no compiler, an empty cache, scripts blocked in
// each way that npm has. What was installed then speaks to a real receiver.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

import support from '../support/service.js'
import { NODE, pack, project } from './project.mjs'

const directory = mkdtempSync(join(tmpdir(), 'aye-install-'))
// Also when there is nothing to pack, which ends this file before its tests.
process.on('exit', () => rmSync(directory, { recursive: true }))
const tarball = pack(directory)

const BLOCKED = {
  'as npm 12 is': [],
  'with --strict-allow-scripts, which refuses what npm 12 blocks': ['--strict-allow-scripts'],
  'with --ignore-scripts': ['--ignore-scripts'],
}
const SERVER = 'require("node:http").createServer().listen(0, "127.0.0.1")'
const WAYS = {
  'require': { args: ['-e', 'const { ready, transport } = require("aye"); ready(transport)'] },
  'import': { args: ['--input-type=module', '-e', 'import { ready, transport } from "aye"; ready(transport)'] },
  'require of aye/sd-notify': {
    args: ['-e', 'require("aye/sd-notify").sendState(["READY=1", "STATUS=" + require("aye").transport])'],
  },
  'node --import aye/auto': { args: ['--import', 'aye/auto', '-e', SERVER], stays: true },
  'node --require aye/auto': { args: ['--require', 'aye/auto', '-e', SERVER], stays: true },
}

/** A project that has the package; `after` is told how to remove it. */
async function installed(flags, after) {
  const own = project()
  after(own.remove)
  const { status, stderr } = await own.install([tarball.path], { flags, offline: true })
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  return own
}

for (const [how, flags] of Object.entries(BLOCKED)) {
  test(`installs without network and compiler, and alone, ${how}`, async (t) => {
    const locked = (await installed(flags, t.after.bind(t))).locked()
    assert.deepEqual(Object.keys(locked), ['', 'node_modules/aye'])
    assert.equal(locked['node_modules/aye'].hasInstallScript, undefined)
  })
}

const own = await installed([], after)
for (const [way, { args, stays }] of Object.entries(WAYS)) {
  for (const transport of ['addon', 'fd']) {
    test(`says READY=1 once installed: ${way}, by ${transport}`, async (t) => {
      const manager = await support.receiver(t)
      const command = [...transport === 'fd' ? [support.AYE, 'wrap', '--'] : [], NODE.program, ...args]
      const child = spawn(command[0], command.slice(1),
        { cwd: own.app, env: own.env({ NOTIFY_SOCKET: manager.socket }), stdio: ['ignore', 'ignore', 'inherit'] })
      const exit = once(child, 'exit')
      const { pid, assignments } = await manager.next()
      assert.equal(pid, child.pid)
      assert.deepEqual(assignments[0], ['READY', '1'])
      if (stays) {
        assert.match(assignments[1].join('='), /^STATUS=.*127\.0\.0\.1/)
        child.kill('SIGKILL')
      } else {
        assert.deepEqual(assignments[1], ['STATUS', transport])
        assert.deepEqual(await exit, [0, null])
      }
      await exit
    })
  }
}
