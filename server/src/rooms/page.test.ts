import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeEntry, type MessageEntry } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { FakeClock, settled } from '../test/fake-clock.ts'
import { Feed, type FeedFollower } from './feed.ts'
import { pageOf, recentPage } from './page.ts'
import { cutLines, Ring } from './ring.ts'

const LONG = '\u0000'.repeat(4_000) // 24,000 bytes as JSON

function entries(count: number, text: string): MessageEntry[] {
  const user = { id: 'guest:ada', name: 'ada' }
  return Array.from({ length: count }, (_, i) => {
    return { type: 'message', room: 'r', seq: i + 1, id: `${i}`, user, text, ts: 1 }
  })
}
const seqs = (lines: readonly Buffer[]) =>
  lines.map((line) => (JSON.parse(line.toString()) as { seq: number }).seq)
const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('a page of the log', () => {
  test('[H2] [H3] holds `limit` entries of those read, and is done if there were no more', () => {
    assert.deepEqual(seqs(pageOf(entries(4, 'x'), 3, 'first').lines), [1, 2, 3])
    assert.deepEqual(seqs(pageOf(entries(4, 'x'), 3, 'last').lines), [2, 3, 4])
    assert.equal(pageOf(entries(4, 'x'), 3, 'last').done, false)
    assert.equal(pageOf(entries(3, 'x'), 3, 'last').done, true)
    assert.deepEqual(pageOf([], 3, 'last'), { lines: [], done: true })
  })

  test('[H2] holds fewer where they are long, those nearest to where was asked, but at least one', () => {
    const first = pageOf(entries(20, LONG), 20, 'first')
    assert.deepEqual(seqs(first.lines), upTo(1, 10))
    assert.equal(first.done, false)
    assert.ok(Buffer.concat(first.lines).length <= LIMITS.historyBytes)
    assert.deepEqual(seqs(pageOf(entries(20, LONG), 20, 'last').lines), upTo(11, 20))
    assert.deepEqual(seqs(pageOf(entries(1, LONG.repeat(12)), 20, 'last').lines), [1])
  })
})

describe('a page of what is in memory', () => {
  /** The last `kept` of `head` entries. */
  function ringOf(head: number, kept: number, text = 'x'): Ring {
    const ring = new Ring(head - kept)
    for (const entry of entries(head, text).slice(-kept)) ring.push(Buffer.from(encodeEntry(entry)))
    return ring
  }

  test('[H2] [H3] is the page that the log would give', () => {
    const ring = ringOf(10, 10)
    const all = entries(10, 'x')
    for (let limit = 1; limit <= 12; limit += 1) {
      for (let seq = 0; seq <= 10; seq += 1) {
        const after = all.filter((entry) => entry.seq > seq).slice(0, limit + 1)
        assert.deepEqual(recentPage(ring, { after: seq }, limit, true), pageOf(after, limit, 'first'))
        if (seq === 0) continue
        const before = all.filter((entry) => entry.seq < seq).slice(-limit - 1)
        assert.deepEqual(recentPage(ring, { before: seq }, limit, true), pageOf(before, limit, 'last'))
      }
      const last = all.slice(-limit - 1)
      const end = { before: Number.MAX_SAFE_INTEGER }
      assert.deepEqual(recentPage(ring, end, limit, true), pageOf(last, limit, 'last'))
    }
  })

  test('[H2] is cut like others where entries are long, and is not done then', () => {
    const ring = ringOf(20, 20, LONG)
    assert.deepEqual(recentPage(ring, { after: 0 }, 20, true), pageOf(entries(20, LONG), 20, 'first'))
    assert.deepEqual(recentPage(ring, { before: 21 }, 20, true), pageOf(entries(20, LONG), 20, 'last'))
  })

  test('is none where the ring does not reach', () => {
    const ring = ringOf(10, 4)
    assert.equal(recentPage(ring, { after: 5 }, 2, true), undefined)
    assert.deepEqual(seqs(recentPage(ring, { after: 6 }, 2, true)?.lines ?? []), [7, 8])
    assert.equal(recentPage(ring, { before: 9 }, 3, true), undefined)
    assert.deepEqual(seqs(recentPage(ring, { before: 9 }, 2, true)?.lines ?? []), [7, 8])
    assert.equal(recentPage(ring, { after: 11 }, 2, true), undefined)
  })

  test('is none at an edge where the end is asked for: the home may know of more', () => {
    const ring = ringOf(10, 4)
    assert.equal(recentPage(ring, { after: 8 }, 3, false), undefined)
    assert.deepEqual(seqs(recentPage(ring, { after: 8 }, 2, false)?.lines ?? []), [9, 10])
    assert.equal(recentPage(ring, { before: 12 }, 2, false), undefined)
    assert.deepEqual(seqs(recentPage(ring, { before: 11 }, 2, false)?.lines ?? []), [9, 10])
  })
})

class Slow implements FeedFollower {
  cursor = 0
  seen: number[] = []
  largest = 0
  #unsent = 0
  unsentBytes() {
    return this.#unsent
  }
  write({ lines, frame }: { lines: Buffer; frame: Buffer }) {
    this.#unsent += frame.length
    this.largest = Math.max(this.largest, this.#unsent)
    this.seen.push(...seqs(cutLines(lines)))
  }
  reset() {}
  drain() {
    this.#unsent = 0
  }
}

describe('a feed whose log is read in pages of long entries', () => {
  const all = entries(60, LONG)
  const open = (head: number) =>
    new Feed({
      clock: new FakeClock(),
      counters: { deliveries: 0, writes: 0, catchUps: 0, catchUpFailures: 0 },
      log: 'a',
      head,
      read: (after, limit) =>
        Promise.resolve(pageOf(all.slice(after, after + limit + 1), limit, 'first').lines),
    })

  test('a page that is cut short is not taken for what joins on to the ring', async () => {
    const feed = open(60)
    const follower = new Slow()
    feed.follow(follower)
    while (follower.cursor < 60) {
      await settled()
      follower.drain()
      feed.pumpOne(follower)
    }
    assert.deepEqual(follower.seen, upTo(1, 60))
  })

  test('[L2] a follower that takes nothing is not given much more than it may have unsent', async () => {
    const feed = open(60)
    const follower = new Slow()
    feed.follow(follower)
    for (let i = 0; i < 10; i += 1) await settled()
    assert.ok(follower.seen.length > 0)
    assert.ok(follower.largest < 2 * LIMITS.highWaterBytes, `${follower.largest}`)
  })

  test('[E2] where an edge that was behind becomes the home, followers lack nothing', async () => {
    const feed = open(20)
    const follower = new Slow()
    follower.cursor = 20
    feed.follow(follower)
    feed.skipTo(40)
    assert.equal(feed.head, 40)
    while (follower.cursor < 40) {
      await settled()
      follower.drain()
      feed.pumpOne(follower)
    }
    assert.deepEqual(follower.seen, upTo(21, 40))
  })
})
