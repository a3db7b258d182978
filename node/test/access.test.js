'use strict'

// NotifyAccess= as the files of a unit have it, over files that each test makes up.

const assert = require('node:assert/strict')
const { dirname, basename } = require('node:path')
const { test } = require('node:test')

const { isRefused } = require('../lib/access.js')

const SYSTEM = '0::/system.slice/web.service\n'

/** Whether a process of this cgroup is refused, among these files, when systemd has started process 5 of the other. */
function refused(cgroup, texts, other = cgroup) {
  const files = { '/proc/self/cgroup': cgroup, '/proc/5/cgroup': other, ...texts }
  const read = (path) => files[path] ?? null
  const list = (folder) => Object.keys(files).filter((path) => dirname(path) === folder).map((path) => basename(path))
  return isRefused('5', { read, list }, '/home/me')
}

const unit = (access) => `[Service]\nType=notify\nNotifyAccess=${access}\n`

test('is refused without a cgroup, a service in it, a file of it or a setting in that', () => {
  assert.equal(refused(null, {}), true)
  assert.equal(refused('0::/\n', {}), true)
  assert.equal(refused('0::/user.slice/user-0.slice/session-1.scope\n', {}), true)
  assert.equal(refused(SYSTEM, {}), true)
  assert.equal(refused(SYSTEM, { '/etc/systemd/system/web.service': '[Service]\nType=notify\n' }), true)
  const comments = '#NotifyAccess=all\n; NotifyAccess=all\nX-NotifyAccess=all\n'
  assert.equal(refused(SYSTEM, { '/etc/systemd/system/web.service': comments }), true)
})

test('takes nothing from the unit of another', () => {
  assert.equal(refused(SYSTEM, { '/etc/systemd/system/other.service': unit('all') }), true)
  assert.equal(refused(SYSTEM, { '/etc/systemd/user/web.service': unit('all') }), true)
  assert.equal(refused(SYSTEM, { '/etc/systemd/system/web.service.d/access.conf.bak': unit('all') }), true)
})

test('reads the file that comes first, and in it what comes last', () => {
  const texts = { '/usr/lib/systemd/system/web.service': unit('all'), '/etc/systemd/system/web.service': unit('main') }
  assert.equal(refused(SYSTEM, texts), true)
  assert.equal(refused(SYSTEM, { '/etc/systemd/system/web.service': unit('main') + ' NotifyAccess = all\n' }), false)
})

test('lets a drop-in overrule, the last of them by name', () => {
  const texts = {
    '/etc/systemd/system/web.service': unit('main'),
    '/etc/systemd/system/web.service.d/90-all.conf': unit('all'),
    '/usr/lib/systemd/system/web.service.d/10-none.conf': unit('none'),
  }
  assert.equal(refused(SYSTEM, texts), false)
  assert.equal(refused(SYSTEM, { ...texts, '/usr/lib/systemd/system/web.service.d/90-all.conf': unit('exec') }), false)
  assert.equal(refused(SYSTEM, { ...texts, '/etc/systemd/system/web.service.d/90-all.conf': '' }), true)
  assert.equal(refused(SYSTEM, { ...texts, '/etc/systemd/system/service.d/99.conf': unit('exec') }), true)
})

test('knows an instance by its template, a transient unit, and a service in a cgroup that was delegated', () => {
  const instance = '0::/system.slice/system-web.slice/web@7.service/worker\n'
  assert.equal(refused(instance, { '/etc/systemd/system/web@.service': unit('all') }), false)
  const dropIn = { '/run/systemd/system/web@7.service.d/a.conf': unit('all') }
  assert.equal(refused(instance, { '/etc/systemd/system/web@.service': unit('main'), ...dropIn }), false)
  const transient = { '/run/systemd/transient/run-u7.service': unit('all') }
  assert.equal(refused('0::/system.slice/run-u7.service\n', transient), false)
})

test('knows the units of a user\'s manager, and the hierarchy of before version 2', () => {
  const user = '0::/user.slice/user-7.slice/user@7.service/app.slice/web.service\n'
  const own = { '/home/me/.config/systemd/user/web.service': unit('all') }
  assert.equal(refused(user, { ...own, '/etc/systemd/system/web.service': unit('none') }), false)
  assert.equal(refused(user, { '/run/user/7/systemd/transient/web.service': unit('exec') }), true)
  const hybrid = '12:pids:/x\n1:name=systemd:/system.slice/web.service\n'
  assert.equal(refused(hybrid, { '/lib/systemd/system/web.service': unit('all') }), false)
})

test('is not refused where what systemd started is somewhere else, as a terminal is', () => {
  const terminal = '0::/user.slice/user-7.slice/user@7.service/app.slice/terminal.service\n'
  const shell = '0::/user.slice/user-7.slice/user@7.service/app.slice/vte-spawn-1.scope\n'
  assert.equal(refused(shell, {}, terminal), false)
  assert.equal(refused(SYSTEM, {}, terminal), false)
})

test('is refused where what systemd started is gone or hidden', () => {
  assert.equal(refused(SYSTEM, {}, null), true)
  assert.equal(refused('0::/\n', {}, null), true)
})
