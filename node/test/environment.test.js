'use strict'

// What the environment says, for every shape it can have: a pure function, so the process of the test has no part in
// it.

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { read } = require('../lib/environment.js')

const PID = 42
const allSockets = () => true
const given = (env, isSocket = allSockets) => read(env, PID, isSocket)
const listen = (fds, names) => ({ LISTEN_PID: '42', LISTEN_FDS: fds, ...(names === undefined ? {} : { LISTEN_FDNAMES: names }) })

for (const [what, env, problem] of [
  ['a count that is no number', listen('many', 'notify'), /LISTEN_FDS is no number.*'many'/],
  ['an empty count', listen('', 'notify'), /LISTEN_FDS is no number/],
  ['a negative count', listen('-1'), /LISTEN_FDS is no number/],
  ['a count beyond any descriptor', listen('99999999999'), /LISTEN_FDS is no number/],
  ['fewer names than descriptors', listen('2', 'notify'), /1 names.*2 descriptors/],
  ['more names than descriptors', listen('1', 'http:notify'), /2 names.*1 descriptors/],
]) {
  test(`uses no descriptor after ${what}`, () => {
    const { fds, notify, problem: found } = given(env)
    assert.deepEqual([fds, notify], [[], null])
    assert.match(found, problem)
  })
}

test('uses no descriptor when one of them is not open', () => {
  const { fds, notify, problem } = given(listen('3', 'a:notify:b'), (fd) => (fd === 5 ? null : true))
  assert.deepEqual([fds, notify], [[], null])
  assert.match(problem, /5 is not open/)
})

test('looks no further than the first closed descriptor, however many are announced', () => {
  let looks = 0
  given(listen('999999999'), () => (++looks, null))
  assert.equal(looks, 1)
})

test('does not write to a notify descriptor that is no socket', () => {
  const { notify, problem, fds } = given(listen('1', 'notify'), () => false)
  assert.deepEqual([notify, fds], [null, [{ fd: 3, name: 'notify' }]])
  assert.match(problem, /descriptor 3, named notify, is not a socket/)
})

for (const pid of ['41', '', undefined, '042', '42 ']) {
  test(`takes nothing that was passed to process ${JSON.stringify(pid)}`, () => {
    const { fds, notify, problem } = given({ ...listen('1', 'notify'), LISTEN_PID: pid })
    assert.deepEqual([fds, notify, problem], [[], null, null])
  })
}

test('finds the notify descriptor among others, and the others without it', () => {
  const { fds, notify } = given(listen('3', 'http:notify:https'))
  assert.equal(notify, 4)
  assert.deepEqual(fds, [{ fd: 3, name: 'http' }, { fd: 5, name: 'https' }])
})

test('takes the last of several notify descriptors, where OpenFile= puts its own', () => {
  const { fds, notify } = given(listen('2', 'notify:notify'))
  assert.equal(notify, 4)
  assert.deepEqual(fds, [{ fd: 3, name: 'notify' }])
})

test('calls descriptors unknown when no names were passed', () => {
  assert.deepEqual(given(listen('2')).fds, [{ fd: 3, name: 'unknown' }, { fd: 4, name: 'unknown' }])
})

for (const usec of ['0', '-1', '', '1.5', '1s', 'infinity', '18446744073709551615', '99999999999999999999999']) {
  test(`arms no watchdog of '${usec}' microseconds, and says why`, () => {
    const { watchdog } = given({ WATCHDOG_USEC: usec })
    assert.equal(watchdog.usec, null)
    assert.match(watchdog.problem, /WATCHDOG_USEC is no time/)
  })
}

test('arms no watchdog that another process must feed', () => {
  const foreign = { usec: null, problem: null, foreign: true }
  assert.deepEqual(given({ WATCHDOG_USEC: '2000000', WATCHDOG_PID: '41' }).watchdog, foreign)
  assert.deepEqual(given({ WATCHDOG_USEC: 'garbage', WATCHDOG_PID: '41' }).watchdog, foreign)
})

test('arms no watchdog when its process id is none, and says why', () => {
  const { watchdog } = given({ WATCHDOG_USEC: '2000000', WATCHDOG_PID: 'me' })
  assert.equal(watchdog.usec, null)
  assert.match(watchdog.problem, /WATCHDOG_PID is no process id: 'me'/)
})

test('arms the watchdog for this process, or for any when none is named', () => {
  assert.equal(given({ WATCHDOG_USEC: '2000000', WATCHDOG_PID: '42' }).watchdog.usec, 2_000_000n)
  assert.equal(given({ WATCHDOG_USEC: '2000000' }).watchdog.usec, 2_000_000n)
})

test('expects no service manager where there is none', () => {
  assert.equal(given({}).expected, false)
  assert.equal(given({ NOTIFY_SOCKET: '/run/systemd/notify' }).expected, true)
  assert.equal(given({ WATCHDOG_USEC: '1' }).expected, true)
})

test('sends to the address that the manager gave, or to none', () => {
  assert.equal(given({ NOTIFY_SOCKET: '@a/b' }).address, '@a/b')
  assert.deepEqual([given({}).address, given({ NOTIFY_SOCKET: '' }).address], [null, null])
})

test('names why there is no addon, and the line that does without it', () => {
  const remedy = given({ NOTIFY_SOCKET: '/run/systemd/notify' }).remedy('no addon for this CPU')
  assert.match(remedy, /^no addon for this CPU; .*OpenFile=\/run\/systemd\/notify:notify .*aye wrap -- /)
  const user = { XDG_RUNTIME_DIR: '/run/user/1000', NOTIFY_SOCKET: '/run/user/1000/systemd/notify' }
  // OpenFile= takes no specifiers, so that there is nothing shorter to say.
  assert.match(given(user).remedy('none'), /OpenFile=\/run\/user\/1000\/systemd\/notify:notify /)
})

test('names no line that could not open the address', () => {
  for (const address of ['@abstract', 'vsock:2:9999']) {
    const remedy = given({ NOTIFY_SOCKET: address }).remedy('none')
    assert.match(remedy, /^none; .* process: start it with ExecStart=aye wrap -- /)
  }
})

test('says what is wrong with the descriptors beside what is wrong with the addon', () => {
  const broken = { NOTIFY_SOCKET: '/run/systemd/notify', ...listen('1', 'notify') }
  assert.match(given(broken, () => false).remedy('no addon'), /^no addon; descriptor 3, named notify, is not a socket$/)
})

test('names the process that the manager started instead of this one', () => {
  const shell = { NOTIFY_SOCKET: '/run/systemd/notify', SYSTEMD_EXEC_PID: '41' }
  assert.match(given(shell).remedy('none'), /^none; .* started process 41 .* is process 42: let ExecStart= start node itself/)
  assert.match(given({ ...shell, ...listen('1', 'notify'), LISTEN_PID: '40' }).remedy(), /started process 40 /)
})

test('names what is gone when there is a watchdog but no address', () => {
  const text = given({ WATCHDOG_USEC: '1' }).remedy()
  assert.match(text, /^WATCHDOG_USEC is set, but NOTIFY_SOCKET is not: .*sudo.* let it pass$/)
  const sudo = { WATCHDOG_USEC: '1', SYSTEMD_EXEC_PID: '41' }
  assert.match(given(sudo).remedy(), /between process 41, .*, and this process 42 .* let ExecStart= start node itself$/)
})

test('says that the manager will likely not listen to another process than its own, with the line that lets it', () => {
  const text = given({ NOTIFY_SOCKET: '/run/systemd/notify', SYSTEMD_EXEC_PID: '41' }).notMain()
  assert.match(text, /started process 41, this is process 42, .* add the line NotifyAccess=all to \[Service\], or /)
  assert.match(given({ WATCHDOG_USEC: '1', WATCHDOG_PID: '40' }).notMain(), /started process 40, /)
  assert.equal(given({ SYSTEMD_EXEC_PID: '41', WATCHDOG_PID: '42' }).started, '41')
})

test('knows no other process in the one that the manager started, or where nobody says', () => {
  const both = { SYSTEMD_EXEC_PID: '42', WATCHDOG_PID: '41' }
  for (const env of [{ SYSTEMD_EXEC_PID: '42' }, both, { WATCHDOG_PID: '42' }, {}, { SYSTEMD_EXEC_PID: '' }]) {
    assert.equal(given(env).started, null)
  }
})
