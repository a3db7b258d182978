// What a service manager announces on its private D-Bus socket, which sends every signal unasked: enough of the D-Bus
// specification's wire format to read PropertiesChanged. It shares no code with aye, which it measures.

import net from 'node:net'

const HEADER = 16
const SIGNAL = 4

/** Reads values of D-Bus types from a message; `offset` counts from its beginning, because alignment does. */
class Reader {
  constructor(bytes, offset, little) {
    this.bytes = bytes
    this.offset = offset
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.little = little
  }

  number(size, get) {
    this.align(size)
    const value = this.view[get](this.offset, this.little)
    this.offset += size
    return value
  }

  align(to) {
    this.offset = Math.ceil(this.offset / to) * to
  }

  text(length) {
    const text = this.bytes.toString('utf8', this.offset, this.offset + length)
    this.offset += length + 1
    return text
  }

  /** One value of the complete type at the beginning of `type`. */
  value(type) {
    switch (type[0]) {
      case 'y': return this.number(1, 'getUint8')
      case 'n': return this.number(2, 'getInt16')
      case 'q': return this.number(2, 'getUint16')
      case 'b':
      case 'h':
      case 'u': return this.number(4, 'getUint32')
      case 'i': return this.number(4, 'getInt32')
      case 'x': return Number(this.number(8, 'getBigInt64'))
      case 't': return Number(this.number(8, 'getBigUint64'))
      case 'd': return this.number(8, 'getFloat64')
      case 's':
      case 'o': return this.text(this.number(4, 'getUint32'))
      case 'g': return this.text(this.number(1, 'getUint8'))
      case 'v': return this.value(this.value('g'))
      case 'a': return this.array(type.slice(1))
      case '(':
      case '{': return this.struct(type)
      default: throw new Error(`cannot read a D-Bus value of type '${type}'`)
    }
  }

  array(type) {
    const length = this.number(4, 'getUint32')
    this.align(alignment(type[0]))
    const end = this.offset + length
    const items = []
    while (this.offset < end) items.push(this.value(type))
    return items
  }

  struct(type) {
    this.align(8)
    return members(type.slice(1, complete(type).length - 1)).map((member) => this.value(member))
  }
}

function alignment(code) {
  if ('ygv'.includes(code)) return 1
  if ('nq'.includes(code)) return 2
  return 'xtd({'.includes(code) ? 8 : 4
}

/** The first complete type of a signature. */
function complete(signature) {
  if (signature[0] === 'a') return 'a' + complete(signature.slice(1))
  if (!'({'.includes(signature[0])) return signature[0]
  let depth = 0
  for (let end = 0; end < signature.length; end++) {
    if ('({'.includes(signature[end])) depth++
    if (')}'.includes(signature[end]) && --depth === 0) return signature.slice(0, end + 1)
  }
  throw new Error(`the D-Bus signature '${signature}' has no end`)
}

function members(signature) {
  const types = []
  for (let rest = signature; rest; rest = rest.slice(types.at(-1).length)) types.push(complete(rest))
  return types
}

function lengthOf(bytes) {
  if (bytes.length < HEADER) return Infinity
  const read = (at) => (bytes[0] === 0x6c ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  return HEADER + Math.ceil(read(12) / 8) * 8 + read(4)
}

function decode(bytes) {
  const reader = new Reader(bytes, 12, bytes[0] === 0x6c)
  const fields = new Map(reader.value('a(yv)'))
  reader.align(8)
  const [path, member, signature = ''] = [1, 3, 8].map((field) => fields.get(field))
  return { type: bytes[1], path, member, body: () => members(signature).map((type) => reader.value(type)) }
}

/** The unit's name in its object path: a byte that is no letter or digit is `_` and two hexadecimal digits. */
function unitOf(path) {
  const escaped = path.slice(path.lastIndexOf('/') + 1)
  return escaped.replace(/_([0-9a-f]{2})/g, (_, code) => String.fromCharCode(parseInt(code, 16)))
}

/** Calls `changed(unit, properties)` for each PropertiesChanged, once it listens, until `close()`. */
export async function follow(changed, path = '/run/systemd/private') {
  const socket = net.connect(path)
  let rest = Buffer.alloc(0)
  let greeted = false
  const uid = Buffer.from(String(process.getuid())).toString('hex')
  socket.write(`\0AUTH EXTERNAL ${uid}\r\n`)
  await new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes])
      if (!greeted) {
        const end = rest.indexOf('\r\n')
        if (end < 0) return
        if (!rest.toString('utf8', 0, end).startsWith('OK')) return reject(new Error(`${path}: ${rest}`))
        rest = rest.subarray(end + 2)
        greeted = true
        socket.write('BEGIN\r\n')
        resolve()
      }
      for (let length = lengthOf(rest); rest.length >= length; length = lengthOf(rest)) {
        const message = decode(rest.subarray(0, length))
        rest = rest.subarray(length)
        if (message.type !== SIGNAL || message.member !== 'PropertiesChanged') continue
        const [, properties] = message.body()
        changed(unitOf(message.path), new Map(properties))
      }
    })
  })
  return { close: () => socket.destroy() }
}
