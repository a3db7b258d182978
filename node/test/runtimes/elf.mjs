// Which dynamic loader the kernel starts a program with is a path in the program. A loader that is named on the command
// line instead would be what process.execPath names, and then neither cluster nor fork() finds Node again.

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'

const PT_INTERP = 3

/**
 * Lets the 64-bit little-endian ELF file `path` be started by `interpreter`: the path is appended to the file, and the
 * program header, see elf(5), says where. The kernel reads it from the file; no segment needs to hold it.
 */
export function setInterpreter(path, interpreter) {
  const fd = openSync(path, 'r+')
  try {
    const text = Buffer.from(`${interpreter}\0`)
    const end = fstatSync(fd).size
    const at = findInterpreter(fd, path)
    writeSync(fd, text, 0, text.length, end)
    writeSync(fd, word(end), 0, 8, at + 8)
    writeSync(fd, word(text.length), 0, 8, at + 32)
  } finally {
    closeSync(fd)
  }
}

/** Where in the file the program header of type PT_INTERP is. */
function findInterpreter(fd, path) {
  const head = read(fd, 64, 0)
  const [first, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)]
  for (let at = first; at < first + size * count; at += size) {
    if (read(fd, 4, at).readUInt32LE() === PT_INTERP) return at
  }
  throw new Error(`${path} names no dynamic loader: is it static?`)
}

function read(fd, length, at) {
  const bytes = Buffer.alloc(length)
  readSync(fd, bytes, 0, length, at)
  return bytes
}

function word(value) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
