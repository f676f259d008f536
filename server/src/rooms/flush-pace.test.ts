import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FlushPace } from './flush-pace.ts'

/** Lets `perSecond` entries come at even times for a second, as a room does: asks at each, flushes when it is due. */
function run(
  members: number,
  perSecond: number,
  { pace = new FlushPace(), from = 1_000_000, tookMs = 0 } = {},
) {
  const flushes: { at: number; entries: number; waitedMs: number }[] = []
  let waiting: number[] = []
  let due = Infinity
  const flush = (at: number) => {
    flushes.push({ at, entries: waiting.length, waitedMs: at - (waiting[0] ?? at) })
    pace.flushed(at, at + tookMs, waiting.length)
    waiting = []
    due = Infinity
  }
  for (let i = 0; i < perSecond; i += 1) {
    const now = from + (i * 1_000) / perSecond
    if (due <= now) flush(due)
    waiting.push(now)
    due = Math.min(due, pace.due(now, waiting.length, members))
    if (due <= now) flush(now)
  }
  return { flushes, last: flushes.slice(-5), pace }
}

describe('the pace of a room', () => {
  test('lets an entry after a pause out at once, however large the room is', () => {
    const { pace } = run(1_000, 1_600)
    assert.ok(pace.due(2_000_000, 1, 100_000) <= 2_000_000)
  })

  test('holds back nobody in a room of ten', () => {
    for (const { waitedMs } of run(10, 1_000).flushes) assert.ok(waitedMs < 1)
  })

  test('lets two entries share a write at 25 a second in a room of 1,000, and a dozen at 200', () => {
    for (const { entries, waitedMs } of run(1_000, 25).last) {
      assert.equal(entries, 2)
      assert.ok(waitedMs <= 40)
    }
    for (const { entries, waitedMs } of run(1_000, 200).last) {
      assert.equal(entries, 12)
      assert.ok(waitedMs <= 60)
    }
  })

  test('does not wait for what is not likely to come', () => {
    for (const { waitedMs } of run(1_000, 10).flushes) assert.equal(waitedMs, 0)
  })

  test('rests 40 ms in a room of 1,000 when there is more than enough, and 60 ms at most in any', () => {
    for (const { waitedMs } of run(1_000, 1_600).last) assert.ok(waitedMs <= 40)
    assert.equal(run(1_000, 1_600).last.at(-1)?.entries, 64)
    for (const { waitedMs } of run(1_000_000, 1_600).last) assert.ok(waitedMs <= 60)
  })

  test('waits only half as long for what was gathered elsewhere, and for no more of it', () => {
    const pace = new FlushPace()
    pace.flushed(1_000_000, 1_000_000, 1)
    assert.equal(pace.due(1_000_001, 1, 1_000, true), 1_000_020)
  })

  test('rests for twice as long as a flush took, so that there is time for anything else', () => {
    const { last } = run(1_000, 1_600, { tookMs: 50 })
    const gaps = last.slice(1).map(({ at }, i) => at - (last[i]?.at ?? 0))
    for (const gap of gaps) assert.ok(gap >= 100 && gap < 101)
  })

  test('is not stopped by a clock that is set back', () => {
    const { pace } = run(1_000, 1_600)
    assert.ok(pace.due(500_000, 20, 1_000) <= 500_040)
  })
})
