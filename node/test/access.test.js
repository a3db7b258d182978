'use strict'

// NotifyAccess= as the files of a unit have it, over files that each test makes up.

const assert = require('node:assert/strict')
const { dirname, basename } = require('node:path')
const { test } = require('node:test')

const { notifyAccess } = require('../lib/access.js')

const SYSTEM = '0::/system.slice/web.service\n'

/** The setting that is found among these files, keyed by their paths. */
function found(cgroup, texts) {
  const files = { '/proc/self/cgroup': cgroup, ...texts }
  const read = (path) => files[path] ?? null
  const list = (folder) => Object.keys(files).filter((path) => dirname(path) === folder).map((path) => basename(path))
  return notifyAccess({ read, list }, '/home/me')
}

const unit = (access) => `[Service]\nType=notify\nNotifyAccess=${access}\n`

test('finds nothing without a cgroup, a service in it, a file of it or a setting in that', () => {
  assert.equal(found(null, {}), null)
  assert.equal(found('0::/\n', {}), null)
  assert.equal(found('0::/user.slice/user-0.slice/session-1.scope\n', {}), null)
  assert.equal(found(SYSTEM, {}), null)
  assert.equal(found(SYSTEM, { '/etc/systemd/system/web.service': '[Service]\nType=notify\n' }), null)
  assert.equal(found(SYSTEM, { '/etc/systemd/system/web.service': '#NotifyAccess=all\n; NotifyAccess=all\nX-NotifyAccess=all\n' }), null)
})

test('takes nothing from the unit of another', () => {
  assert.equal(found(SYSTEM, { '/etc/systemd/system/other.service': unit('all') }), null)
  assert.equal(found(SYSTEM, { '/etc/systemd/user/web.service': unit('all') }), null)
  assert.equal(found(SYSTEM, { '/etc/systemd/system/web.service.d/access.conf.bak': unit('all') }), null)
})

test('reads the file that comes first, and in it what comes last', () => {
  const texts = { '/usr/lib/systemd/system/web.service': unit('all'), '/etc/systemd/system/web.service': unit('main') }
  assert.equal(found(SYSTEM, texts), 'main')
  assert.equal(found(SYSTEM, { '/etc/systemd/system/web.service': unit('main') + ' NotifyAccess = all\n' }), 'all')
})

test('lets a drop-in overrule, the last of them by name', () => {
  const texts = {
    '/etc/systemd/system/web.service': unit('main'),
    '/etc/systemd/system/web.service.d/90-all.conf': unit('all'),
    '/usr/lib/systemd/system/web.service.d/10-none.conf': unit('none'),
  }
  assert.equal(found(SYSTEM, texts), 'all')
  assert.equal(found(SYSTEM, { ...texts, '/usr/lib/systemd/system/web.service.d/90-all.conf': unit('exec') }), 'all')
  assert.equal(found(SYSTEM, { ...texts, '/etc/systemd/system/web.service.d/90-all.conf': '' }), 'none')
  assert.equal(found(SYSTEM, { ...texts, '/etc/systemd/system/service.d/99.conf': unit('exec') }), 'exec')
})

test('knows an instance by its template, a transient unit, and a service in a cgroup that was delegated', () => {
  const instance = '0::/system.slice/system-web.slice/web@7.service/worker\n'
  assert.equal(found(instance, { '/etc/systemd/system/web@.service': unit('all') }), 'all')
  assert.equal(found(instance, { '/etc/systemd/system/web@.service': unit('main'), '/run/systemd/system/web@7.service.d/a.conf': unit('all') }), 'all')
  assert.equal(found('0::/system.slice/run-u7.service\n', { '/run/systemd/transient/run-u7.service': unit('all') }), 'all')
})

test('knows the units of a user\'s manager, and the hierarchy of before version 2', () => {
  const user = '0::/user.slice/user-7.slice/user@7.service/app.slice/web.service\n'
  assert.equal(found(user, { '/home/me/.config/systemd/user/web.service': unit('all'), '/etc/systemd/system/web.service': unit('none') }), 'all')
  assert.equal(found(user, { '/run/user/7/systemd/transient/web.service': unit('exec') }), 'exec')
  assert.equal(found('12:pids:/x\n1:name=systemd:/system.slice/web.service\n', { '/lib/systemd/system/web.service': unit('all') }), 'all')
})
