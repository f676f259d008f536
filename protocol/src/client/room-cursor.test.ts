import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { RoomCursor } from './room-cursor.ts'
import { message, messages } from './test/peer.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

const seqs = (entries: readonly { seq: number }[]) => entries.map(({ seq }) => seq)

function cursorAt(at: number, log = 'L') {
  const cursor = new RoomCursor()
  cursor.join({ log, first: at + 1, head: at })
  return cursor
}

describe('a cursor', () => {
  test('[R4] knows nothing at first, and then resumes from what it has', () => {
    const cursor = new RoomCursor()
    assert.deepEqual(cursor.resume, {})
    assert.deepEqual(cursor.take(messages(1, 3)), [], 'nothing before a joined says where to start')
    cursor.join({ log: 'L', first: 51, head: 60 })
    assert.deepEqual(seqs(cursor.take(messages(51, 60))), seqs(messages(51, 60)))
    assert.deepEqual(cursor.resume, { since: 60, log: 'L' })
    assert.equal(cursor.first, 51)
  })

  test('[R5] drops what it has, holds what is beyond a gap, and gives both out when it closes', () => {
    const cursor = cursorAt(10)
    assert.deepEqual(seqs(cursor.take([message(9), message(11), message(11)])), [11])
    assert.deepEqual(cursor.take([message(14), message(13)]), [])
    assert.equal(cursor.missingAfter, 11)
    assert.deepEqual(seqs(cursor.take([message(12)])), [12, 13, 14])
    assert.equal(cursor.missingAfter, undefined)
  })

  test('[R6] [J4] a stream that starts later than asked leaves a gap, even before anything comes', () => {
    const cursor = cursorAt(10)
    cursor.join({ log: 'L', first: 701, head: 1_200 })
    assert.equal(cursor.missingAfter, 10)
    cursor.take(messages(11, 210))
    assert.equal(cursor.missingAfter, 210)
    cursor.take(messages(211, 700))
    assert.equal(cursor.missingAfter, undefined)
  })

  test('[R6] entries that a head promised are missing once they are given up', () => {
    const cursor = cursorAt(10)
    assert.equal(cursor.see(10), false)
    assert.equal(cursor.see(12), true)
    assert.equal(cursor.missingAfter, undefined)
    cursor.lose()
    assert.equal(cursor.missingAfter, 10)
    cursor.take(messages(11, 12))
    assert.equal(cursor.missingAfter, undefined)
  })

  test('[R7] holds 2,000 entries at most; the highest are dropped and missed', () => {
    const cursor = cursorAt(0)
    cursor.take(messages(2, 2_500))
    assert.deepEqual(seqs(cursor.take([message(1)])), seqs(messages(1, 2_001)))
    assert.equal(cursor.missingAfter, 2_001, 'what was dropped is to be fetched')
    cursor.take(messages(2_002, 2_500))
    assert.equal(cursor.missingAfter, undefined)
  })

  test('[R7] of what comes out of order, the lowest are the ones kept', () => {
    const cursor = cursorAt(0)
    cursor.take(messages(1_001, 3_000))
    cursor.take(messages(2, 1_000))
    assert.deepEqual(seqs(cursor.take([message(1)])), seqs(messages(1, 2_001)))
    assert.equal(cursor.missingAfter, 2_001)
  })

  test('[R8] another log voids everything, and the cursor starts at its first', () => {
    const cursor = cursorAt(10)
    cursor.take([message(11), message(20)])
    assert.equal(cursor.join({ log: 'M', first: 3, head: 4 }), true)
    assert.deepEqual(seqs(cursor.take(messages(3, 4))), [3, 4])
    assert.equal(cursor.missingAfter, undefined)
    assert.equal(cursor.first, 3)
    assert.equal(cursor.head, 4)
  })

  test('[R8] [J5] a reset before or after the joined of the same log voids once', () => {
    const before = cursorAt(10)
    assert.equal(before.reset('M'), true)
    assert.deepEqual(before.resume, {})
    assert.equal(before.join({ log: 'M', first: 1, head: 2 }), false)
    assert.deepEqual(seqs(before.take(messages(1, 2))), [1, 2])

    const after = cursorAt(10)
    assert.equal(after.join({ log: 'M', first: 1, head: 2 }), true)
    assert.equal(after.reset('M'), false)
    assert.deepEqual(seqs(after.take(messages(1, 2))), [1, 2])
  })

  test('[R5] [R6] whatever order, loss and repetition, what comes out is gapless, once, and complete after paging', () => {
    const arrivals = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 200 })
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 0, max: 30 }), (arriving, start) => {
        const cursor = cursorAt(start)
        const out = arriving.flatMap((seq) => cursor.take([message(seq)]))
        for (let after = cursor.missingAfter; after !== undefined; after = cursor.missingAfter) {
          const page = cursor.take(messages(after + 1, after + 5))
          assert.ok(page.length > 0 && after < 100, 'each page brings it on, to an end')
          out.push(...page)
        }
        const last = Math.max(start, ...arriving)
        assert.deepEqual(
          seqs(out).filter((seq) => seq <= last),
          seqs(messages(start + 1, last)),
        )
      }),
    )
  })
})
