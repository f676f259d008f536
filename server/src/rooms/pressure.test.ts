import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FlushPace } from './flush-pace.ts'
import { Pressure } from './pressure.ts'

test('pressure comes when the process is busy for a while, and goes only when it is far from busy', () => {
  let now = 1_000
  let busyMs = 0
  let writes = 0
  const clock = { now: () => now, after: () => () => {}, soon: () => {} }
  const pressure = new Pressure(
    clock,
    () => busyMs,
    () => writes,
  )
  const observe = (busy: number, times: number, writesPerMs = 40) => {
    for (let i = 0; i < times; i += 1) {
      now += 100
      busyMs += 100 * busy
      writes += 100 * writesPerMs
      if (i < times - 1) void pressure.gatherMs
    }
    return pressure.gatherMs > 0
  }
  assert.equal(observe(0.45, 20), false)
  assert.equal(observe(1, 1), true)
  assert.equal(observe(0.45, 20), true, 'what it does itself does not end it')
  assert.equal(observe(0.2, 20), false)
  assert.equal(observe(1, 1), true)
  now -= 60_000
  assert.equal(observe(0.2, 20), false, 'though the clock was set back')
})

test('where it is not entries that keep the process busy, none waits for another', () => {
  let now = 1_000
  let busyMs = 0
  let writes = 0
  const clock = { now: () => now, after: () => () => {}, soon: () => {} }
  const pressure = new Pressure(
    clock,
    () => busyMs,
    () => writes,
  )
  const observe = (writesPerMs: number) => {
    for (let i = 0; i < 20; i += 1) {
      now += 100
      busyMs += 90
      writes += 100 * writesPerMs
      void pressure.gatherMs
    }
    return { isHigh: pressure.isHigh, isGathering: pressure.gatherMs > 0 }
  }
  assert.deepEqual(observe(2), { isHigh: true, isGathering: false })
  assert.deepEqual(observe(40), { isHigh: true, isGathering: true })
  assert.deepEqual(observe(10), { isHigh: true, isGathering: true }, 'what it does itself does not end it')
  assert.deepEqual(observe(1), { isHigh: true, isGathering: false })
})

test('under pressure a small room’s entry waits for the next one that is likely to come in time, and for no other', () => {
  /** Entries `gapMs` apart in a room of ten. @returns how many each write held, and the longest that one waited */
  function run(gapMs: number, gatherMs: number) {
    const pace = new FlushPace()
    const writes: number[] = []
    let longestMs = 0
    let waiting: number[] = []
    let dueAt = Infinity
    for (let now = 1_000; now < 5_000; now += 1) {
      if (now % gapMs === 0) {
        waiting.push(now)
        dueAt = pace.due(now, waiting.length, 10, false, gatherMs)
      }
      if (waiting.length === 0 || dueAt - now >= 1) continue
      writes.push(waiting.length)
      longestMs = Math.max(longestMs, now - waiting[0]!)
      pace.flushed(now, now, waiting.length)
      waiting = []
    }
    return { perWrite: writes.slice(-4), longestMs }
  }
  assert.deepEqual(run(60, 0), { perWrite: [1, 1, 1, 1], longestMs: 0 })
  assert.deepEqual(run(60, 70), { perWrite: [2, 2, 2, 2], longestMs: 60 })
  assert.deepEqual(run(30, 70).perWrite, [3, 3, 3, 3])
  assert.deepEqual(run(200, 70), { perWrite: [1, 1, 1, 1], longestMs: 0 })
})
