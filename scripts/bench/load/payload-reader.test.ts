import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PayloadReader, READ_BUFFER } from './payload-reader.ts'
import { serverFrame } from './test/server-frame.ts'

/** Takes payload by messages that end with `;`, whatever frames they came in. */
function collect() {
  const messages: string[] = []
  const controls: [number, string][] = []
  let frames = 0
  const reader = new PayloadReader({
    data(bytes, start, end, endsFrame) {
      if (endsFrame) frames += 1
      const text = bytes.toString('latin1', start, end)
      const whole = text.lastIndexOf(';') + 1
      messages.push(...text.slice(0, whole).split(';').slice(0, -1))
      return start + whole
    },
    control: (opcode, payload) => controls.push([opcode, payload.toString()]),
  })
  const read = (bytes: Buffer) => reader.read(bytes.copy(READ_BUFFER))
  return { read, messages, controls, frames: () => frames }
}

const frame = (text: string, first = 0x82) => serverFrame(text, first)

describe('the payload reader', () => {
  test('hands on the same payload wherever the reads and the frames part it', () => {
    const long = 'x'.repeat(300)
    const bytes = Buffer.concat([
      frame(`${long};y;half`),
      frame('', 0x89),
      frame('-half;z;'),
      frame(''),
      frame('pong?', 0x8a),
      frame('end;'),
    ])
    for (let size = 1; size <= bytes.length; size += 1) {
      const { read, messages, controls, frames } = collect()
      for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size))
      assert.deepEqual(messages, [long, 'y', 'half-half', 'z', 'end'], `reads of ${size} bytes`)
      assert.deepEqual(controls, [
        [9, ''],
        [10, 'pong?'],
      ])
      assert.equal(frames(), 3)
    }
  })

  test('never reads past what this read brought', () => {
    const { read, messages } = collect()
    read(Buffer.concat([frame('new;'), frame('left over of an earlier read;')]))
    read(frame('now;'))
    assert.deepEqual(messages, ['new', 'left over of an earlier read', 'now'])
  })

  test('reads frames of 16 and of 64 bits of length, in reads of their own', () => {
    const { read, messages } = collect()
    for (const length of [125, 126, 65_535, 65_536, 200_000]) read(frame(`${'m;'.repeat(length / 2)}`))
    assert.equal(
      messages.length,
      [125, 126, 65_535, 65_536, 200_000].reduce((sum, n) => sum + (n >> 1), 0),
    )
  })

  test('refuses masked frames, and what is too long to be put together', () => {
    assert.throws(() => collect().read(Buffer.from([0x82, 0x81, 1, 2, 3, 4, 0])), /mask/)
    const { read } = collect()
    read(frame('m'.repeat(70_000)))
    assert.throws(() => read(frame('m;')), /64 KiB/)
  })
})
