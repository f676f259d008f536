import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock } from '../clock.ts'
import { settled } from '../test/fake-clock.ts'
import { Portions } from './portions.ts'

/** An event loop that turns when it is told to, on which work takes the time it says. */
class Loop implements Clock {
  #now = 1_000
  #soon: (() => void)[] = []

  now(): number {
    return this.#now
  }
  after(): never {
    throw new Error('nothing here waits for a time')
  }
  soon(run: () => void): void {
    this.#soon.push(run)
  }
  work(ms: number): void {
    this.#now += ms
  }
  async turn(): Promise<void> {
    for (const run of this.#soon.splice(0)) run()
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
})
