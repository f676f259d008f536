import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CommitPace } from './commit-pace.ts'

/** Commits whenever the pace allows while `perMs` drafts come in each of 200 ms. @returns drafts of the last commits, and how far apart they were */
function run(perMs: (ms: number) => number) {
  const pace = new CommitPace()
  const commits: { at: number; drafts: number }[] = []
  let waiting = 0
  for (let now = 1_000; now < 1_200; now += 1) {
    waiting += perMs(now - 1_000)
    if (waiting === 0 || pace.waitMs(now) >= 1) continue
    pace.begins(now, waiting)
    commits.push({ at: now, drafts: waiting })
    waiting = 0
  }
  const [before, last] = commits.slice(-2)
  assert.ok(before !== undefined && last !== undefined)
  return { drafts: last.drafts, apartMs: last.at - before.at, pace }
}

describe('the pace of commits', () => {
  test('few sends are committed one by one, at once', () => {
    assert.equal(run((ms) => (ms % 10 === 0 ? 1 : 0)).drafts, 1)
    assert.equal(run((ms) => (ms % 3 === 0 ? 1 : 0)).apartMs, 3)
  })

  test('the more come, the more share a commit, and none waits for longer than 10 ms', () => {
    assert.deepEqual(pick(run(() => 1)), { drafts: 3, apartMs: 3 })
    assert.deepEqual(pick(run(() => 8.5)), { drafts: 68, apartMs: 8 })
    assert.deepEqual(pick(run(() => 1_000)), { drafts: 10_000, apartMs: 10 })
  })

  test('where nobody would see it yet, a commit waits for company, and is done by the time that somebody would', () => {
    const { pace } = run(() => 1)
    assert.equal(pace.waitMs(1_200, 30), 4)
    assert.equal(pace.waitMs(1_200, 3), 2)
    assert.ok(pace.waitMs(1_204, 0) < 1)
    const { pace: quiet } = run((ms) => (ms % 5 === 0 ? 1 : 0))
    assert.ok(quiet.waitMs(1_200, 30) < 1, 'no company is to be expected')
  })

  test('after a rush a single send is not held back', () => {
    const { pace } = run(() => 16)
    assert.ok(pace.waitMs(1_300) < 1)
  })

  test('nobody waits for longer because the clock was set back', () => {
    const { pace } = run(() => 1_000)
    assert.equal(pace.waitMs(0), 10)
  })
})

function pick({ drafts, apartMs }: { drafts: number; apartMs: number }) {
  return { drafts, apartMs }
}
