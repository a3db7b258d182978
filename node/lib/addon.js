'use strict'

// The prebuilt addon: native sends for processes that were not handed a descriptor, and what plain JavaScript cannot do
// at all (descriptors in a message, barriers). One file per CPU; where it cannot be used, `problem` says why not.

const { join } = require('node:path')

/** @returns {{ native: object, problem: null } | { native: null, problem: string }} */
function load(platform = process.platform, arch = process.arch, dlopen = process.dlopen) {
  if (platform !== 'linux') return refused(`the addon is for Linux, this is ${platform}`)
  const path = join(__dirname, '../prebuilds', `linux-${arch}.node`)
  const addon = { exports: {} }
  try {
    // Unlike require(), in every runtime, and no bundler tries to follow it.
    dlopen.call(process, addon, path)
    return { native: addon.exports, problem: null }
  } catch (error) {
    return refused(why(error, path, arch))
  }
}

function refused(problem) {
  return { native: null, problem }
}

function why(error, path, arch) {
  if (error.code === 'ERR_DLOPEN_DISABLED') {
    return process.permission
      ? 'Node\'s permission model keeps the addon from being loaded (start node with --allow-addons)'
      : '--no-addons keeps the addon from being loaded (take it off the command line or out of NODE_OPTIONS)'
  }
  if (error.name === 'NotCapable' || error.name === 'PermissionDenied') {
    return `Deno keeps the addon from being loaded (start it with --allow-ffi=${path})`
  }
  if (!require('node:fs').existsSync(path)) {
    return `there is no addon for Linux on ${arch} at ${path} (a bundler must leave aye out of its bundle)`
  }
  return `loading the addon failed: ${error.message}`
}

module.exports = { load }
