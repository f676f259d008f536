import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Waiters } from './waiters.ts'

/** A clock whose timers run when they are told to. */
class HandClock {
  readonly timers = new Map<() => void, number>()
  now(): number {
    return 0
  }
  after(ms: number, run: () => void): () => void {
    this.timers.set(run, ms)
    return () => this.timers.delete(run)
  }
  soon(): void {
    throw new Error('not used here')
  }
}

describe('those who wait', () => {
  test('are told what is said, each once, and their timers end', async () => {
    const clock = new HandClock()
    const waiters = new Waiters<number, string>(clock)
    const outcomes = Promise.all([waiters.wait(1, 50, 'late'), waiters.wait(2, 50, 'late')])
    assert.equal(waiters.size, 2)
    waiters.settle('first')
    waiters.settle('second')
    assert.deepEqual(await outcomes, ['first', 'first'])
    assert.equal(clock.timers.size, 0)
  })

  test('go on waiting if what they wait for is not there yet, and not for ever', async () => {
    const clock = new HandClock()
    const waiters = new Waiters<number, string>(clock)
    const [one, other] = [waiters.wait(1, 50, 'late'), waiters.wait(2, 70, 'late')]
    waiters.settle('there', (what) => what <= 1)
    assert.equal(await one, 'there')
    assert.deepEqual([...clock.timers.values()], [70])
    for (const run of clock.timers.keys()) run()
    assert.equal(await other, 'late')
    assert.equal(waiters.size, 0)
  })
})
