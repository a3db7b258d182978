'use strict'

// What a shared object says of itself, for any CPU: elf(5), with words of four bytes or eight in either order.

const { readFileSync } = require('node:fs')

const PT_GNU_STACK = 0x6474e551
const EXECUTABLE = 1
const [SHT_DYNAMIC, SHT_DYNSYM] = [6, 11]
const DT_NEEDED = 1
// Of what the objects of each word size consist: where a field is, and with what size.
const LAYOUTS = {
  1: { word: 4, programs: [28, 42], sections: [32, 46], flags: 24, offset: 16, size: 20, link: 24, symbol: [16, 14] },
  2: { word: 8, programs: [32, 54], sections: [40, 58], flags: 4, offset: 24, size: 32, link: 40, symbol: [24, 6] },
}

/** @returns {{ machine: number, size: number, needed: number, stack: string, undefined: string[], exported: string[] }} */
function inspect(path) {
  const bytes = readFileSync(path)
  if (bytes.toString('latin1', 0, 4) !== '\x7fELF') throw new Error(`${path} is no ELF file: was it built?`)
  const file = { bytes, layout: LAYOUTS[bytes[4]], little: bytes[5] === 1 }
  const sections = table(file, file.layout.sections)
  const symbols = symbolsOf(file, sections)
  return {
    machine: number(file, 18, 2),
    size: bytes.length,
    needed: dynamicTags(file, sections).filter((tag) => tag === DT_NEEDED).length,
    stack: stackOf(file),
    undefined: symbols.filter(({ section }) => section === 0).map(({ name }) => name).sort(),
    exported: symbols.filter(({ section }) => section !== 0).map(({ name }) => name).sort(),
  }
}

function number({ bytes, little }, at, size) {
  if (size === 8) return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at))
  return little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size)
}

/** Where the headers of a table begin, from the file's own header. */
function table(file, [start, entrySize]) {
  const [first, size, count] = [number(file, start, file.layout.word), number(file, entrySize, 2), number(file, entrySize + 2, 2)]
  return Array.from({ length: count }, (_, index) => first + index * size)
}

/** The stack that the file wants for its process; the kernel takes a file that says nothing for an old one. */
function stackOf(file) {
  const { programs, flags } = file.layout
  const stack = table(file, programs).find((at) => number(file, at, 4) === PT_GNU_STACK)
  return stack === undefined || number(file, stack + flags, 4) & EXECUTABLE ? 'executable' : 'plain'
}

function contents(file, section) {
  const { word, offset, size } = file.layout
  return { start: number(file, section + offset, word), size: number(file, section + size, word) }
}

function dynamicTags(file, sections) {
  const { word } = file.layout
  const { start, size } = contents(file, sections.find((at) => number(file, at + 4, 4) === SHT_DYNAMIC))
  return Array.from({ length: size / word / 2 }, (_, index) => number(file, start + index * word * 2, word))
}

function symbolsOf(file, sections) {
  const [size, section] = file.layout.symbol
  const header = sections.find((at) => number(file, at + 4, 4) === SHT_DYNSYM)
  const { start, size: all } = contents(file, header)
  const names = contents(file, sections[number(file, header + file.layout.link, 4)]).start
  return Array.from({ length: all / size }, (_, index) => start + index * size).slice(1)
    .map((at) => ({ name: text(file, names + number(file, at, 4)), section: number(file, at + section, 2) }))
}

function text({ bytes }, at) {
  return bytes.toString('latin1', at, bytes.indexOf(0, at))
}

module.exports = { inspect }
