import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FrameReader, type FrameSink } from './frame-reader.ts'

const LIMITS = { frameBytes: 1_000, fragments: 4, bufferedChunks: 1_100 }
const MASK = Buffer.from([0x1f, 0xe2, 0x00, 0x80])

/** A frame as a client writes it. */
function frame(opcode: number, payload: string | Buffer, { fin = true, length = 0 } = {}): Buffer {
  const bytes = Buffer.from(payload)
  const size = length || bytes.length
  const head =
    size < 126
      ? [0x80 | size]
      : size < 65_536
        ? [0xfe, size >> 8, size & 0xff]
        : [0xff, 0, 0, 0, 0, ...[24, 16, 8, 0].map((by) => (size >> by) & 0xff)]
  return Buffer.concat([
    Buffer.from([(fin ? 0x80 : 0) | opcode, ...head]),
    MASK,
    bytes.map((byte, i) => byte ^ (MASK[i % 4] as number)),
  ])
}

/** What comes out of `chunks`, in order, and what rule was broken at last. */
function read(chunks: Iterable<Buffer>, limits = LIMITS): unknown[] {
  const seen: unknown[] = []
  const sink: FrameSink = {
    text: (text) => seen.push(text),
    binary: () => seen.push('binary'),
    ping: (payload) => seen.push(['ping', payload.toString()]),
    pong: () => seen.push('pong'),
    closing: (payload) => seen.push(['closing', payload.toString('hex')]),
  }
  const reader = new FrameReader(limits)
  for (const chunk of chunks) {
    const broken = reader.read(Buffer.from(chunk), sink)
    if (broken === undefined) continue
    seen.push(broken)
    break
  }
  return seen
}

function* cut(bytes: Buffer, each: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += each) yield bytes.subarray(at, at + each)
}

const EMOJI = Buffer.from('é 💬')

describe('frames of a client', () => {
  const stream = Buffer.concat([
    frame(1, '{"type":"ping"}'),
    frame(1, ''),
    frame(1, 'é 💬 \u0000'),
    frame(9, 'are you there'),
    frame(1, 'x'.repeat(125)),
    frame(1, 'y'.repeat(126)),
    frame(1, EMOJI.subarray(0, 4), { fin: false }), // ends within a character
    frame(9, ''),
    frame(0, '', { fin: false }),
    frame(0, EMOJI.subarray(4)),
    frame(10, 'z'),
    frame(1, 'w'.repeat(1_000)),
    frame(8, Buffer.from([0x03, 0xe8, 0x68, 0x69])),
  ])
  const seen = [
    '{"type":"ping"}',
    '',
    'é 💬 \u0000',
    ['ping', 'are you there'],
    'x'.repeat(125),
    'y'.repeat(126),
    ['ping', ''],
    'é 💬',
    'pong',
    'w'.repeat(1_000),
    ['closing', '03e86869'],
  ]

  for (const each of [1, 2, 3, 5, 7, 64, 500, stream.length]) {
    test(`are whole again when they come in chunks of ${each}`, () => {
      assert.deepEqual(read(cut(stream, each)), seen)
    })
  }

  const broken: [what: string, bytes: Buffer, code: number][] = [
    ['an unmasked frame', Buffer.from([0x81, 1, 0x78]), 1002],
    ['a reserved bit', Buffer.from([0xc1, 0x80, 0, 0, 0, 0]), 1002],
    ['an unknown opcode', frame(3, 'x'), 1002],
    ['an unknown control opcode', frame(11, 'x'), 1002],
    ['a control frame that is too long', frame(9, 'x'.repeat(126)), 1002],
    ['a control frame in fragments', frame(9, 'x', { fin: false }), 1002],
    ['a continuation of nothing', frame(0, 'x'), 1002],
    ['a text within a text', Buffer.concat([frame(1, 'x', { fin: false }), frame(1, 'y')]), 1002],
    ['a close of one byte', frame(8, 'x'), 1002],
    ['a close code that nobody may send', frame(8, Buffer.from([0x03, 0xed])), 1002],
    ['a close reason that is not UTF-8', frame(8, Buffer.from([0x03, 0xe8, 0xff])), 1007],
    ['text that is not UTF-8', frame(1, Buffer.from([0x61, 0xff])), 1007],
    [
      'fragments that are not UTF-8 together',
      Buffer.concat([frame(1, 'a', { fin: false }), frame(0, Buffer.from([0x80]))]),
      1007,
    ],
    ['a frame that says it is too long', frame(1, '', { length: 1_001 }), 1009],
    ['one that says 70,000', frame(1, '', { length: 70_000 }), 1009],
    ['one that says 2^40', Buffer.from([0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0]), 1009],
    [
      'too long fragments',
      Buffer.concat([frame(1, 'x'.repeat(600), { fin: false }), frame(0, 'y'.repeat(401))]),
      1009,
    ],
    [
      'five fragments',
      Buffer.concat([
        frame(1, 'x', { fin: false }),
        ...Array.from({ length: 4 }, () => frame(0, '', { fin: false })),
      ]),
      1008,
    ],
  ]
  for (const [what, bytes, code] of broken) {
    test(`[L1] ${what} breaks a rule: ${code}, in one chunk and byte by byte, after what came before`, () => {
      const after = Buffer.concat([frame(1, 'before'), bytes])
      assert.deepEqual(read([after]), ['before', code])
      assert.deepEqual(read(cut(after, 3)), ['before', code])
    })
  }

  test('[F7] a frame in too many chunks breaks a rule', () => {
    const limits = { ...LIMITS, bufferedChunks: 64 }
    assert.deepEqual(read(cut(frame(1, 'x'.repeat(200)), 1), limits), [1008])
    assert.deepEqual(read(cut(frame(1, 'x'.repeat(200)), 5), limits), ['x'.repeat(200)])
  })

  test('[F7] a binary frame is told as such, whole or in fragments', () => {
    assert.deepEqual(read([frame(2, '')]), ['binary'])
    assert.equal(read([Buffer.concat([frame(2, 'x', { fin: false }), frame(0, 'y')])])[0], 'binary')
  })
})
