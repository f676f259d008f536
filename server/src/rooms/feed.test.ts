import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FakeClock, settled } from '../test/fake-clock.ts'
import { Feed, type FeedFollower } from './feed.ts'
import { cutLines, type Slice } from './ring.ts'

const line = (seq: number, padding = 0) => Buffer.from(`{"seq":${seq}${' '.repeat(padding)}}`)

class Reader implements FeedFollower {
  cursor: number
  unsent = 0
  writes = 0
  seen: number[] = []
  frames = new Set<Buffer>()
  resets: string[] = []
  constructor(cursor: number) {
    this.cursor = cursor
  }
  unsentBytes() {
    return this.unsent
  }
  write(slice: Slice) {
    this.writes += 1
    this.frames.add(slice.frame)
    for (const one of cutLines(slice.lines))
      this.seen.push((JSON.parse(one.toString()) as { seq: number }).seq)
  }
  reset(log: string) {
    this.resets.push(log)
  }
}

/** A feed over a log of `stored` entries, of which the ring has none yet. */
function open(
  stored: number,
  options: {
    ring?: object
    fail?: () => boolean
    padding?: number
    page?: number
    highWaterBytes?: number
  } = {},
) {
  const clock = new FakeClock()
  const { padding = 0, page = Infinity } = options
  const log = Array.from({ length: stored }, (_, i) => line(i + 1, padding))
  const reads: [after: number, limit: number][] = []
  const feed = new Feed({
    clock,
    counters: { deliveries: 0, writes: 0, catchUps: 0, catchUpFailures: 0 },
    log: 'a',
    head: stored,
    read: (after, limit) => {
      reads.push([after, limit])
      if (options.fail?.() === true) return Promise.reject(new Error('away'))
      return Promise.resolve(log.slice(after, after + Math.min(limit, page)))
    },
    ring: options.ring ?? {},
    ...(options.highWaterBytes === undefined ? {} : { highWaterBytes: options.highWaterBytes }),
  })
  const push = (...padding: number[]) => {
    for (const width of padding.length === 0 ? [0] : padding) {
      log.push(line(log.length + 1, width))
      feed.push([log.at(-1)!])
    }
    feed.flush()
  }
  return { clock, feed, push, reads }
}
const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('a feed', () => {
  test('what a follower may have unsent is a setting: above it nothing is written to him, from ring or log', async () => {
    const { clock, feed, push } = open(10, { highWaterBytes: 1_000 })
    const [level, behind] = [new Reader(10), new Reader(0)]
    for (const reader of [level, behind]) reader.unsent = 1_000
    for (const reader of [level, behind]) feed.follow(reader)
    push(0)
    await clock.pass(1_000)
    assert.deepEqual([level.seen, behind.seen], [[], []])
    for (const reader of [level, behind]) {
      reader.unsent = 999
      feed.pumpOne(reader)
    }
    await clock.pass(1_000)
    assert.deepEqual([level.seen.length, behind.seen.length], [1, 11])
  })

  test('it tells how far the one furthest behind is, and how many are behind: the slow ones only', () => {
    const { feed, push } = open(0)
    const [quick, slow, slower] = [new Reader(0), new Reader(0), new Reader(0)]
    for (const reader of [quick, slow, slower]) feed.follow(reader)
    push(0)
    slower.unsent = 1024 * 1024
    push(...Array<number>(7).fill(0))
    slow.unsent = 1024 * 1024
    push(0, 0)
    assert.deepEqual(feed.lag, { most: 9, behind: 2 })
    for (const reader of [slow, slower]) {
      reader.unsent = 0
      feed.pumpOne(reader)
    }
    assert.deepEqual(feed.lag, { most: 0, behind: 0 })
  })

  test('gives a follower all it lacks at a flush, in one write', async () => {
    const { feed, push } = open(0)
    const reader = new Reader(0)
    feed.follow(reader)
    push(0, 0, 0)
    await settled()
    assert.deepEqual(reader.seen, [1, 2, 3])
    assert.equal(reader.writes, 1)
  })

  test('reads on from the log for a follower that is further behind than the ring', async () => {
    const { feed, push } = open(900)
    const reader = new Reader(100)
    feed.follow(reader)
    push()
    await settled()
    await settled()
    for (let i = 0; i < 20 && reader.cursor < 901; i += 1) await settled()
    assert.deepEqual(reader.seen, upTo(101, 901))
  })

  test('reads the log once for a thousand followers that come back to the same place', async () => {
    const { feed, reads } = open(900)
    const readers = Array.from({ length: 1_000 }, () => new Reader(500))
    for (const reader of readers) feed.follow(reader)
    for (let i = 0; i < 20; i += 1) await settled()
    for (const reader of readers) assert.deepEqual(reader.seen, upTo(501, 900))
    assert.deepEqual(reads, [[500, 400]])
  })

  test('reads the log a few times for a thousand followers that come back to many places', async () => {
    const { feed, reads } = open(900)
    const readers = Array.from({ length: 1_000 }, (_, i) => new Reader(899 - ((i * 37) % 500)))
    for (const reader of readers) feed.follow(reader)
    for (let i = 0; i < 40; i += 1) await settled()
    for (const reader of readers) assert.equal(reader.seen.at(-1), 900)
    assert.ok(reads.length <= 5, `${reads.length} readings`)
  })

  test('reads the log a few times for a thousand followers where entries are long and pages of them short', async () => {
    const { feed, reads } = open(300, { padding: 2_000, page: 50 })
    const readers = Array.from({ length: 1_000 }, () => new Reader(50))
    for (const reader of readers) feed.follow(reader)
    for (let i = 0; i < 60; i += 1) await settled()
    for (const reader of readers) assert.deepEqual(reader.seen, upTo(51, 300))
    assert.equal(reads.length, 5)
  })

  test('reads what the ring cannot hold once for all who are at the same place', async () => {
    const { feed, reads } = open(1_000, { ring: { entries: 16 } })
    const readers = Array.from({ length: 300 }, () => new Reader(0))
    for (const reader of readers) feed.follow(reader)
    for (let i = 0; i < 60; i += 1) await settled()
    for (const reader of readers) assert.deepEqual(reader.seen, upTo(1, 1_000))
    assert.ok(reads.length <= 6, `${reads.length} readings`)
    const frames = new Set(readers.flatMap((reader) => [...reader.frames]))
    assert.ok(frames.size <= 6, `${frames.size} frames for 300 followers`)
  })

  test('stops writing to a follower above the high-water mark, and goes on when it has drained', async () => {
    const { feed, push, clock } = open(0)
    const reader = new Reader(0)
    feed.follow(reader)
    reader.unsent = 64 * 1024
    push()
    await clock.pass(100)
    assert.deepEqual(reader.seen, [])
    reader.unsent = 0
    feed.pumpOne(reader)
    assert.deepEqual(reader.seen, [1])
  })

  test('tries again when the log could not be read', async () => {
    let isAway = true
    const { feed, clock } = open(10, { fail: () => isAway })
    const reader = new Reader(0)
    feed.follow(reader)
    await clock.pass(1_000)
    assert.deepEqual(reader.seen, [])
    isAway = false
    await clock.pass(1_000)
    assert.deepEqual(reader.seen, upTo(1, 10))
  })

  test('goes forward through the log where the ring has no place for what is missing', async () => {
    const { feed } = open(2_000, { ring: { entries: 16 } })
    const reader = new Reader(0)
    feed.follow(reader)
    for (let i = 0; i < 60 && reader.cursor < 2_000; i += 1) await settled()
    assert.deepEqual(reader.seen, upTo(1, 2_000))
  })

  test('comes to an end where the ring has place for the entries but not for their bytes', async () => {
    const { feed, push } = open(0, { ring: { entries: 100, bytes: 200 } })
    push(...upTo(1, 60))
    const reader = new Reader(0)
    feed.follow(reader)
    for (let i = 0; i < 60 && reader.cursor < 60; i += 1) await settled()
    assert.deepEqual(reader.seen, upTo(1, 60))
  })

  test('sends the first entry after a pause at once, and gathers those that follow for its window', async () => {
    const { feed, push, clock } = open(0)
    const readers = Array.from({ length: 1_000 }, () => new Reader(0))
    for (const reader of readers) feed.follow(reader)
    await clock.pass(1_000)
    push()
    assert.deepEqual(readers[0]?.seen, [1])
    push()
    push()
    assert.deepEqual(readers[0].seen, [1])
    assert.deepEqual([feed.head, feed.flushedHead], [3, 1])
    await clock.pass(40)
    assert.deepEqual(readers[0].seen, [1, 2, 3])
    assert.equal(readers[0].writes, 2)
  })

  test('passes on at once what waited for each other at the home, and keeps the pace of the whole room', async () => {
    const { feed, push, clock } = open(0)
    const reader = new Reader(0)
    feed.follow(reader)
    await clock.pass(1_000)
    push()
    feed.push([line(2)])
    feed.flush({ audience: 1_000 })
    assert.deepEqual(reader.seen, [1])
    await clock.pass(40)
    assert.deepEqual(reader.seen, [1, 2])
    await clock.pass(20)
    feed.push([line(3)])
    feed.flush({ audience: 1_000, areGathered: true })
    assert.deepEqual(reader.seen, [1, 2, 3])
  })

  test('writes to a thousand followers in a turn, then lets others have theirs; what comes meanwhile goes out next', async () => {
    const { feed, push, clock } = open(0)
    const readers = Array.from({ length: 3_000 }, () => new Reader(0))
    for (const reader of readers) feed.follow(reader)
    await clock.pass(1_000)
    push()
    assert.equal(readers.filter(({ seen }) => seen.length === 1).length, 1_024)
    push()
    feed.unfollow(readers[2_999]!)
    await clock.pass(0)
    assert.deepEqual(readers[0]?.seen, [1])
    assert.deepEqual(readers[2_998]?.seen, [1, 2])
    assert.deepEqual(readers[2_999]?.seen, [])
    await clock.pass(60)
    for (const { seen } of readers.slice(0, -1)) assert.deepEqual(seen, [1, 2])
  })

  test('begins anew for everybody when the log is another one in the middle of a flush', async () => {
    const { feed, push, clock } = open(0)
    const readers = Array.from({ length: 1_100 }, () => new Reader(0))
    for (const reader of readers) feed.follow(reader)
    await clock.pass(1_000)
    push()
    feed.readFrom((after, limit) =>
      Promise.resolve(upTo(after + 1, Math.min(7, after + limit)).map((n) => line(n))),
    )
    feed.reset('b', 7)
    await clock.pass(100)
    assert.deepEqual(readers[0]?.seen, [1, ...upTo(1, 7)])
    assert.deepEqual(readers[1_099]?.seen, upTo(1, 7))
  })

  test('never holds back a room of ten', async () => {
    const { feed, push } = open(0)
    const readers = Array.from({ length: 10 }, () => new Reader(0))
    for (const reader of readers) feed.follow(reader)
    push()
    push()
    assert.deepEqual(readers[9]?.seen, [1, 2])
  })

  test('tells every follower when the log is another one, and begins anew near its head', async () => {
    const { feed } = open(100)
    const reader = new Reader(100)
    feed.follow(reader)
    feed.readFrom((after, limit) =>
      Promise.resolve(upTo(after + 1, Math.min(70, after + limit)).map((n) => line(n))),
    )
    feed.reset('b', 70)
    for (let i = 0; i < 5; i += 1) await settled()
    assert.deepEqual(reader.resets, ['b'])
    assert.deepEqual(reader.seen, upTo(21, 70))
  })

  for (const floor of [400, 650]) {
    test(`what is forgotten while it is read, up to ${floor}, leads to nothing that is told twice or left out`, async () => {
      const { clock, feed } = open(600)
      let reads = 0
      feed.readFrom((after, limit) => {
        reads += 1
        const from = Math.max(after + 1, reads === 1 ? 1 : floor)
        return Promise.resolve(upTo(from, Math.min(from + Math.min(limit, 50) - 1, 700)).map((n) => line(n)))
      })
      feed.push(upTo(601, 700).map((n) => line(n)))
      const reader = new Reader(300)
      feed.follow(reader)
      await clock.pass(1_000)
      assert.deepEqual(reader.seen, upTo(floor, 700))
    })
  }

  test('writes nothing more to a follower that left while the log was read', async () => {
    const { feed } = open(100)
    const reader = new Reader(0)
    feed.follow(reader)
    feed.unfollow(reader)
    for (let i = 0; i < 5; i += 1) await settled()
    assert.deepEqual(reader.seen, [])
  })
})
