'use strict'

// NotifyAccess= of this process's own unit, as its files have it: a process that systemd did not start itself is heard
// all the same where the unit says so, and then there is nothing to warn of. Where the files are is systemd.unit(5)'s
// matter.

const fs = require('node:fs')
const { homedir } = require('node:os')
const { join } = require('node:path')

/** The disk, for what does not care whether a file is missing or not to be read. */
const disk = {
  read: (path) => quietly(() => fs.readFileSync(path, 'utf8')) ?? null,
  list: (path) => quietly(() => fs.readdirSync(path)) ?? [],
}

function quietly(look) {
  try {
    return look()
  } catch {
    return undefined
  }
}

/**
 * Whether the manager will likely refuse what this process says, because it has started another one.
 * @param {string} started the number of that process
 * @param {typeof disk} files
 * @param {string} home
 */
function isRefused(started, files = disk, home = quietly(homedir) ?? '/') {
  const cgroup = files.read('/proc/self/cgroup')
  const unit = unitOf(cgroup)
  // A terminal hands on what systemd said to it; who listens to a program that is started there is somebody else.
  if (unitOf(files.read(`/proc/${started}/cgroup`) ?? cgroup)?.name !== unit?.name) return false
  return unit === null || notifyAccess(unit, files, home) !== 'all'
}

/** `none`, `main`, `exec` or `all`; null when the unit's files do not say or are not to be found. */
function notifyAccess(unit, { read, list }, home) {
  const folders = unit.uid === null ? foldersOfSystem() : foldersOfUser(unit.uid, home)
  const names = namesOf(unit.name)
  const settings = [fragment(names, folders, read), ...dropIns(names, folders, list).map(read)].map(settingOf)
  return settings.filter((setting) => setting !== null).pop() ?? null
}

/** The innermost service of this process's cgroup, see cgroups(7), and the user whose manager started it, if any. */
function unitOf(cgroup) {
  const path = cgroup?.match(/^(?:0::|1:name=systemd:)(.*\.service)(?:\/.*)?$/m)?.[1]
  if (path === undefined) return null
  const uid = path.match(/\/user@(\d+)\.service\/./)?.[1] ?? null
  return { name: path.slice(path.lastIndexOf('/') + 1), uid }
}

/** The unit itself, then what it is an instance of, then what each service is. */
function namesOf(name) {
  const template = name.replace(/@.*(?=\.service$)/, '@')
  return [...new Set([name, template]), 'service']
}

function foldersOfSystem() {
  const run = ['system.control', 'transient', 'generator.early'].map((name) => `/run/systemd/${name}`)
  return ['/etc/systemd/system.control', ...run, '/etc/systemd/system', '/run/systemd/system', '/run/systemd/generator',
    '/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system', '/run/systemd/generator.late']
}

function foldersOfUser(uid, home) {
  const run = (name) => `/run/user/${uid}/systemd/${name}`
  return [join(home, '.config/systemd/user.control'), run('user.control'), run('transient'), run('generator.early'),
    join(home, '.config/systemd/user'), '/etc/systemd/user', run('user'), '/run/systemd/user', run('generator'),
    join(home, '.local/share/systemd/user'), '/usr/local/lib/systemd/user', '/usr/lib/systemd/user',
    run('generator.late')]
}

/** The first of the files that may define the unit. */
function fragment(names, folders, read) {
  for (const name of names.slice(0, -1)) {
    for (const folder of folders) {
      const text = read(join(folder, name))
      if (text !== null) return text
    }
  }
  return ''
}

/** In the order in which they count, the last one last: by their names, each name but once. */
function dropIns(names, folders, list) {
  const found = new Map()
  for (const folder of names.flatMap((name) => folders.map((one) => join(one, `${name}.d`)))) {
    for (const file of list(folder)) {
      if (file.endsWith('.conf') && !found.has(file)) found.set(file, join(folder, file))
    }
  }
  return [...found.keys()].sort().map((file) => found.get(file))
}

function settingOf(text) {
  const values = [...(text ?? '').matchAll(/^\s*NotifyAccess\s*=[ \t]*(\w+)/gm)]
  return values.pop()?.[1] ?? null
}

module.exports = { isRefused }
