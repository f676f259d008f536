import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import fc from 'fast-check'
import { Score, inLanes, type Attack } from './attack.ts'

/** Bytes below the grammar: what a WebSocket peer can get wrong. The line is closed, with a code, and nobody else's. */

const LINES = 20_000
const LANES = 8
const PATIENCE_MS = 60_000
/** RFC 6455, section 7.4, and those of this protocol. */
const CODES = new Set([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1012, 1013, 4401, 4403, 4408, 4429])

const frame = fc
  .record({
    first: fc.nat(255),
    isMasked: fc.oneof(
      { weight: 9, arbitrary: fc.constant(true) },
      { weight: 1, arbitrary: fc.constant(false) },
    ),
    payload: fc.uint8Array({ maxLength: 200 }),
    /** The length it says to have, beyond what comes. */
    more: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(70_000) }),
  })
  .map(({ first, isMasked, payload, more }) => {
    const length = payload.length + more
    const mask = randomBytesOf(isMasked)
    const bit = isMasked ? 0x80 : 0
    const head =
      length < 126
        ? Buffer.from([first, bit | length])
        : length < 65_536
          ? Buffer.from([first, bit | 126, length >> 8, length & 255])
          : Buffer.from([first, bit | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255])
    const body = isMasked ? payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0)) : payload
    return Buffer.concat([head, mask, body])
  })
const randomBytesOf = (isMasked: boolean) => (isMasked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0))
const flood = fc.constantFrom(
  Buffer.concat(Array.from({ length: 2_000 }, () => Buffer.from([0x89, 0x80, 0, 0, 0, 0]))), // pings
  Buffer.concat(Array.from({ length: 2_000 }, () => Buffer.from([0x8a, 0x80, 0, 0, 0, 0]))), // pongs nobody asked for
  Buffer.concat([
    Buffer.from([0x01, 0x80, 0, 0, 0, 0]),
    ...Array.from({ length: 2_000 }, () => Buffer.from([0x00, 0x80, 0, 0, 0, 0])), // fragments without end
  ]),
  Buffer.concat(Array.from({ length: 500 }, () => Buffer.from([0x81, 0x80, 0, 0, 0, 0]))), // empty texts
  Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc0, 0x80]), // no UTF-8
  Buffer.from([0xc1, 0x85, 0, 0, 0, 0, 1, 2, 3, 4, 5]), // says to be compressed
  Buffer.from([0x88, 0x81, 0, 0, 0, 0, 1]), // a close with half a code
  Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xee]), // a close with 1006, which is never sent
  Buffer.from([0x89, 0xfe, 0x10, 0x00, 0, 0, 0, 0]), // a ping of 4 KiB
  Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), // 2^64 bytes
)
const bytes = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(frame, { minLength: 1, maxLength: 8 }).map((frames) => Buffer.concat(frames)),
  },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 400 }).map((any) => Buffer.from(any)) },
  { weight: 1, arbitrary: flood },
)

/** What each of these must be closed with. */
const EXACT: [string, Buffer, number[]][] = [
  ['no UTF-8', Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc0, 0x80]), [1007]],
  ['a text that says to be compressed', Buffer.from([0xc1, 0x85, 0, 0, 0, 0, 1, 2, 3, 4, 5]), [1002]],
  ['a frame without mask', Buffer.from([0x81, 0x02, 0x7b, 0x7d]), [1002]],
  ['an opcode that is none', Buffer.from([0x83, 0x80, 0, 0, 0, 0]), [1002]],
  ['a binary message', Buffer.from([0x82, 0x81, 0, 0, 0, 0, 1]), [1003]],
  ['a close with half a code', Buffer.from([0x88, 0x81, 0, 0, 0, 0, 1]), [1002]],
  ['a close with 1006', Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xee]), [1002]],
  ['a ping in fragments', Buffer.from([0x09, 0x80, 0, 0, 0, 0]), [1002]],
  ['a ping of 4 KiB', Buffer.from([0x89, 0xfe, 0x10, 0x00, 0, 0, 0, 0]), [1002]],
  ['a frame that goes on with nothing', Buffer.from([0x80, 0x80, 0, 0, 0, 0]), [1002]],
  ['2^64 bytes', Buffer.from([0x81, 0xff, ...Buffer.alloc(8, 255), 0, 0, 0, 0]), [1002, 1009]],
  ['64 KiB and a byte', Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0]), [1009]],
  [
    'fragments without end',
    Buffer.from([
      0x01,
      0x80,
      0,
      0,
      0,
      0,
      ...Array.from({ length: 60 }, () => [0x00, 0x80, 0, 0, 0, 0]).flat(),
    ]),
    [1008],
  ],
]

export const rawFrameAttack: Attack = {
  name: 'raw-frames',
  says: 'bytes that are no frames, wrong masks, lengths, opcodes and closes; floods of pings and fragments',
  async run({ serverHttp, seed, scale }) {
    const score = new Score()
    for (const [what, sent, codes] of EXACT) {
      const got = await write(serverHttp, sent, 'raw')
      score.judge(codes.includes(got.code ?? 0), what, got)
    }
    const lines = Math.max(1, Math.ceil(LINES * scale))
    let next = 0
    await inLanes(fc.sample(bytes, { numRuns: lines, seed }), LANES, async (sent) => {
      const got = await write(serverHttp, sent, `raw-${(next += 1)}`)
      const isOrderly = got.isWelcome && (got.code === undefined || CODES.has(got.code))
      score.judge(isOrderly, `bytes ${sent.subarray(0, 40).toString('hex')}…`, got)
    })
    return score
  },
}

/** Opens a line, writes, half-closes, and reads until the other end closes. */
function write(base: string, sent: Buffer, username: string): Promise<{ isWelcome: boolean; code?: number }> {
  const { hostname, port, host } = new URL(base)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    const chunks: Buffer[] = []
    socket.setTimeout(PATIENCE_MS, () => socket.destroy())
    socket.on('connect', () => {
      const key = randomBytes(16).toString('base64')
      socket.write(
        `GET /ws?username=${username} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
      )
    })
    let isSent = false
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (isSent || !Buffer.concat(chunks).includes('"welcome"')) return
      isSent = true
      socket.end(sent)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      const all = Buffer.concat(chunks)
      const code = closeCode(all)
      resolve({ isWelcome: isSent, ...(code === undefined ? {} : { code }) })
    })
  })
}

/** Of the close frame among a server's frames. */
function closeCode(all: Buffer): number | undefined {
  let at = all.indexOf('\r\n\r\n') + 4
  while (at >= 4 && at + 2 <= all.length) {
    const opcode = (all[at] ?? 0) & 15
    const short = (all[at + 1] ?? 0) & 127
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    if (at + head > all.length) return undefined
    const length =
      short < 126 ? short : short === 126 ? all.readUInt16BE(at + 2) : Number(all.readBigUInt64BE(at + 2))
    if (opcode === 8) return length >= 2 ? all.readUInt16BE(at + head) : undefined
    at += head + length
  }
  return undefined
}
