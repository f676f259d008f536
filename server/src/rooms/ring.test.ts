import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { cutLines, cutSlices, makeSlice, Ring, textFrame, type Slice } from './ring.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

const line = (seq: number, padding = 0) => Buffer.from(`{"seq":${seq}${' '.repeat(padding)}}`)
const seqs = (lines: Buffer) =>
  cutLines(lines).map((one) => (JSON.parse(one.toString()) as { seq: number }).seq)

function ringOf(from: number, to: number, limits = {}): Ring {
  const ring = new Ring(from - 1, limits)
  for (let seq = from; seq <= to; seq += 1) ring.push(line(seq))
  return ring
}

describe('a ring', () => {
  test('gives everything after a cursor, as one slice', () => {
    const slice = ringOf(1, 9).after(4)
    assert.equal(slice?.from, 5)
    assert.equal(slice.to, 9)
    assert.deepEqual(seqs(slice.lines), [5, 6, 7, 8, 9])
  })

  test('gives followers at the same cursor the very same bytes, until something is pushed', () => {
    const ring = ringOf(1, 9)
    const first = ring.after(4)
    assert.equal(ring.after(4)?.frame, first?.frame)
    ring.push(line(10))
    assert.deepEqual(seqs(ring.after(4)!.lines), [5, 6, 7, 8, 9, 10])
  })

  test('gives the very same bytes where it takes several slices, too, and brings different cursors to the same cut', () => {
    const ring = ringOf(1, 300, { sliceBytes: 800 })
    const walk = (cursor: number) => {
      const slices: Slice[] = []
      while (cursor < 300) {
        const slice = ring.after(cursor)!
        slices.push(slice)
        cursor = slice.to
      }
      return slices
    }
    const all = walk(200)
    assert.ok(all.length > 1)
    assert.deepEqual(
      walk(200).map(({ frame }, i) => frame === all[i]?.frame),
      all.map(() => true),
    )
    const other = walk(213)
    assert.equal(other[0]?.to, all[0]?.to)
    assert.equal(other[1]?.frame, all[1]?.frame)
  })

  test('keeps more entries once it was widened', () => {
    const ring = ringOf(1, 10, { entries: 10 })
    ring.widen(15)
    ring.widen(5)
    for (let seq = 11; seq <= 30; seq += 1) ring.push(line(seq))
    assert.equal(ring.first, 16)
  })

  test('has nothing after its head, nor before its first', () => {
    const ring = ringOf(11, 20)
    assert.equal(ring.after(20), undefined)
    assert.equal(ring.after(25), undefined)
    assert.equal(ring.after(9), undefined)
    assert.deepEqual(seqs(ring.after(10)!.lines)[0], 11)
  })

  test('forgets the oldest at its bound of entries, and of bytes, but never the last', () => {
    assert.equal(ringOf(1, 100, { entries: 10 }).first, 91)
    const ring = new Ring(0, { bytes: 50 })
    for (let seq = 1; seq <= 9; seq += 1) ring.push(line(seq, 20))
    assert.equal(ring.first, 9)
    ring.push(line(10, 500))
    assert.equal(ring.first, 10)
  })

  test('cuts what does not fit into one slice, and goes on from there', () => {
    const ring = new Ring(0, { sliceBytes: 30 })
    for (let seq = 1; seq <= 8; seq += 1) ring.push(line(seq))
    let cursor = 0
    const seen: number[] = []
    while (cursor < 8) {
      const slice = ring.after(cursor)!
      assert.ok(slice.lines.length <= 30)
      seen.push(...seqs(slice.lines))
      cursor = slice.to
    }
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('takes earlier entries in front if they join on, as far as they fit', () => {
    const ring = ringOf(11, 12, { entries: 5 })
    ring.prepend([line(7), line(8)], 8)
    assert.equal(ring.first, 11)
    ring.prepend([line(6), line(7), line(8), line(9), line(10)], 10)
    assert.equal(ring.first, 8)
    assert.deepEqual(seqs(ring.after(7)!.lines), [8, 9, 10, 11, 12])
  })

  test('holds any sequence of pushes and reads to what a plain list would say', () => {
    const step = fc.oneof(
      fc.record({ push: fc.integer({ min: 0, max: 60 }) }),
      fc.record({ read: fc.integer({ min: 0, max: 80 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const ring = new Ring(0, { entries: 12, bytes: 600, sliceBytes: 100 })
        const all: Buffer[] = []
        for (const one of steps) {
          if ('push' in one) {
            all.push(line(all.length + 1, one.push))
            ring.push(all.at(-1)!)
            continue
          }
          const cursor = Math.min(one.read, all.length)
          const slice = ring.after(cursor)
          if (cursor + 1 < ring.first || cursor === all.length) assert.equal(slice, undefined)
          else assert.deepEqual(cutLines(slice!.lines), all.slice(cursor, slice!.to))
        }
      }),
    )
  })
})

describe('a frame', () => {
  for (const length of [1, 125, 126, 65_535, 65_536, 200_000]) {
    test(`of ${length} bytes has the header RFC 6455 asks for`, () => {
      const text = 'x'.repeat(length)
      const frame = textFrame(text)
      const marker = frame[1]
      const [header, said] =
        marker === 127
          ? [10, Number(frame.readBigUInt64BE(2))]
          : marker === 126
            ? [4, frame.readUInt16BE(2)]
            : [2, marker]
      assert.equal(frame[0], 0x81)
      assert.equal(said, length)
      assert.equal(header, length < 126 ? 2 : length < 65_536 ? 4 : 10)
      assert.equal(frame.toString('utf8', header), text)
    })
  }

  test('of an answer and entries holds both, on lines of their own', () => {
    const { lines } = makeSlice([line(5), line(6)], 5)
    const frame = textFrame('{"type":"ack","id":"é"}', lines)
    assert.equal(frame.toString('utf8', 2), '{"type":"ack","id":"é"}\n{"seq":5}\n{"seq":6}')
    assert.equal(frame[1], frame.length - 2)
  })

  test('holds as many lines as fit, but at least one', () => {
    const slices = cutSlices([line(5), line(6), line(7, 90), line(8)], 5, 20)
    assert.deepEqual(
      slices.map(({ from, to }) => [from, to]),
      [
        [5, 6],
        [7, 7],
        [8, 8],
      ],
    )
    assert.deepEqual(
      slices.flatMap(({ lines }) => seqs(lines)),
      [5, 6, 7, 8],
    )
    assert.deepEqual(cutSlices([], 5, 20), [])
  })

  test('of several lines parts them by one newline', () => {
    const slice = makeSlice([line(1), line(2)], 1)
    assert.equal(slice.lines.toString(), '{"seq":1}\n{"seq":2}')
    assert.equal(slice.frame.length, slice.lines.length + 2)
  })
})
