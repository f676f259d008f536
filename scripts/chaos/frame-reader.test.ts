import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serverFrame } from '../bench/load/test/server-frame.ts'
import { FrameReader } from './frame-reader.ts'

function collect() {
  const lines: string[] = []
  const controls: [number, string][] = []
  const reader = new FrameReader({
    line: (bytes, start, end) => lines.push(bytes.toString('utf8', start, end)),
    control: (opcode, payload) => controls.push([opcode, payload.toString()]),
  })
  return { reader, lines, controls }
}

const frame = (text: string, first = 0x81) => serverFrame(text, first)

describe('the frame reader', () => {
  test('finds every line of every frame of one read', () => {
    const { reader, lines } = collect()
    const bytes = Buffer.concat([frame('a\nbb\nccc'), frame('d'), frame('é\n\n€')])
    reader.read(bytes, bytes.length)
    assert.deepEqual(lines, ['a', 'bb', 'ccc', 'd', 'é', '€'])
  })

  test('finds the same lines wherever the reads part the bytes, though the buffer of a read is reused', () => {
    const long = 'x'.repeat(300)
    const bytes = Buffer.concat([frame(`${long}\ny`), frame('z'), frame('', 0x89), frame('end')])
    for (let size = 1; size <= bytes.length; size += 1) {
      const { reader, lines, controls } = collect()
      const shared = Buffer.alloc(size)
      for (let at = 0; at < bytes.length; at += size) {
        const length = bytes.copy(shared, 0, at, at + size)
        reader.read(shared, length)
      }
      assert.deepEqual(lines, [long, 'y', 'z', 'end'], `reads of ${size} bytes`)
      assert.deepEqual(controls, [[9, '']])
    }
  })

  test('never reads past what this read brought', () => {
    const { reader, lines } = collect()
    const bytes = Buffer.concat([frame('new'), frame('left over of an earlier read')])
    reader.read(bytes, 5)
    assert.deepEqual(lines, ['new'])
  })

  test('reads frames of 16 and of 64 bits of length', () => {
    const { reader, lines } = collect()
    const bytes = Buffer.concat([frame('m'.repeat(126)), frame('l'.repeat(70_000))])
    reader.read(bytes, bytes.length)
    assert.deepEqual(
      lines.map((line) => line.length),
      [126, 70_000],
    )
  })

  test('refuses what it would count wrongly: binary, fragmented and masked frames', () => {
    for (const [bytes, why] of [
      [frame('x', 0x82), /opcode 2/],
      [frame('x', 0x01), /fragmented/],
      [frame('x', 0x80), /fragmented/],
      [Buffer.from([0x81, 0x81, 1, 2, 3, 4, 0]), /mask/],
    ] as const) {
      assert.throws(() => collect().reader.read(bytes, bytes.length), why)
    }
  })
})
