import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock } from '../clock.ts'
import { settled } from '../test/fake-clock.ts'
import { Portions } from './portions.ts'

/** An event loop that turns when it is told to, on which work takes the time it says. */
class Loop implements Clock {
  #now = 1_000
  #soon: (() => void)[] = []
  #later: { at: number; run: () => void }[] = []

  now(): number {
    return this.#now
  }
  after(ms: number, run: () => void): never {
    this.#later.push({ at: this.#now + ms, run })
    return undefined as never // nothing here takes it back
  }
  soon(run: () => void): void {
    this.#soon.push(run)
  }
  work(ms: number): void {
    this.#now += ms
  }
  async turn(): Promise<void> {
    for (const run of this.#soon.splice(0)) run()
    const due = this.#later.filter(({ at }) => at <= this.#now)
    this.#later = this.#later.filter(({ at }) => at > this.#now)
    for (const { run } of due) run()
    await settled()
  }
}

describe('those who come for a portion of each turn', () => {
  /** Each takes 1 ms; of a turn they have 3 ms. */
  function open() {
    const loop = new Loop()
    const arrivals = new Portions(loop, 3)
    const done: number[] = []
    const come = async (who: number) => {
      const turn = arrivals.turn()
      if (turn !== undefined) await turn
      loop.work(1)
      done.push(who)
    }
    return { loop, arrivals, done, come }
  }

  test('are served at once while there is time for it in this turn of the event loop', async () => {
    const { loop, done, come } = open()
    for (let round = 0; round < 3; round += 1) {
      for (const who of [1, 2, 3]) void come(who)
      assert.deepEqual(done.splice(0), [1, 2, 3])
      await loop.turn()
    }
  })

  test('are served in portions when more come than fit into a turn, in the order of coming', async () => {
    const { loop, arrivals, done, come } = open()
    for (const who of [1, 2, 3, 4, 5, 6, 7]) void come(who)
    await settled()
    assert.deepEqual(done, [1, 2, 3])
    void loop.turn()
    await settled()
    assert.deepEqual(done, [1, 2, 3, 4, 5, 6])
    void come(8)
    await settled()
    assert.equal(done.length, 6, 'nobody overtakes who waits')
    await loop.turn()
    assert.deepEqual(done, [1, 2, 3, 4, 5, 6, 7, 8])
    await loop.turn()
    void come(9)
    assert.equal(done.at(-1), 9)
    assert.equal(arrivals.lateMs, 0)
  })

  test('that wait are known by how long they do', async () => {
    const { loop, arrivals, come } = open()
    for (const who of [1, 2, 3, 4]) void come(who)
    loop.work(50)
    assert.equal(arrivals.lateMs, 50)
    await loop.turn()
    assert.equal(arrivals.lateMs, 0)
  })

  test('have none of the time after a portion that is for everybody else, however long that one was', async () => {
    const loop = new Loop()
    const portions = new Portions(loop, 1, 3)
    const done: number[] = []
    const come = async (who: number, ms: number) => {
      await portions.turn()
      loop.work(ms)
      done.push(who)
    }
    void come(1, 5)
    await settled()
    void come(2, 1)
    for (let passed = 0; passed < 15; passed += 1) {
      await loop.turn()
      assert.deepEqual(done, [1], `${passed} ms after it`)
      loop.work(1)
    }
    await loop.turn()
    assert.deepEqual(done, [1, 2])
    await loop.turn()
    loop.work(3)
    await loop.turn()
    void come(3, 1)
    await settled()
    assert.deepEqual(done, [1, 2, 3], 'at once, when nobody was served for long enough')
  })
})
