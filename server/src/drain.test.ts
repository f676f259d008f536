import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import { Drain } from './drain.ts'
import { FakeClock, settled } from './test/fake-clock.ts'

/** A server with one client that goes when told, and rooms that are handed over at once, unless the test says otherwise. */
function setUp() {
  const clock = new FakeClock()
  const did: string[] = []
  const gone = Promise.withResolvers<void>()
  const told = Promise.withResolvers<void>()
  const moving: AbortSignal[] = []
  const drain: Drain = new Drain({
    clock,
    deadlineMs: 10_000,
    gateway: {
      clients: 1,
      shut: () => did.push('shut'),
      reopen: () => did.push('reopen'),
      async moveAll(mostMs, signal) {
        did.push(`move within ${mostMs}`)
        moving.push(signal)
        const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
        await Promise.race([gone.promise, aborted])
      },
      closeEach: (code) => did.push(`close ${code}`),
    },
    rooms: {
      homes: 0,
      async handOver() {
        did.push('hand over')
      },
    },
    async report() {
      did.push(`report ${drain.state}`)
      await told.promise
    },
    log: pino({ level: 'silent' }),
  })
  return { clock, drain, did, gone, told, moving }
}

describe('a drain', () => {
  test('shuts the door, tells the balancers, then moves rooms and people, and is done when all are gone', async () => {
    const { drain, did, gone, told } = setUp()
    const ended = drain.begin()
    await settled()
    assert.deepEqual(did, ['shut', 'report draining'])
    told.resolve()
    await settled()
    assert.deepEqual(did.slice(2), ['hand over', 'move within 5000'])
    assert.equal(drain.state, 'draining')
    gone.resolve()
    await ended
    assert.equal(drain.state, 'drained')
    assert.deepEqual(did.slice(4), ['close 1012', 'report drained'])
    drain.close()
  })

  test('does not wait for a balancer that does not answer', async () => {
    const { clock, drain, did } = setUp()
    void drain.begin()
    await clock.pass(250)
    assert.ok(did.includes('move within 5000'))
    drain.close()
  })

  test('closes who is still there at the deadline, not before', async () => {
    const { clock, drain, did, told } = setUp()
    told.resolve()
    void drain.begin()
    await clock.pass(9_999)
    assert.equal(drain.state, 'draining')
    await clock.pass(1)
    assert.equal(drain.state, 'drained')
    assert.ok(did.includes('close 1012'))
    drain.close()
  })

  test('is one drain, however often it is begun', async () => {
    const { drain, did } = setUp()
    assert.equal(drain.begin(), drain.begin())
    await settled()
    assert.deepEqual(did, ['shut', 'report draining'])
    drain.close()
  })

  test('goes on offering the rooms that stay or come', async () => {
    const { clock, drain, did, told, gone } = setUp()
    told.resolve()
    gone.resolve()
    await drain.begin()
    await clock.pass(1_000)
    assert.equal(did.filter((what) => what === 'hand over').length, 5)
    drain.close()
    await clock.pass(1_000)
    assert.equal(did.filter((what) => what === 'hand over').length, 5)
  })

  test('that is cancelled lets people in again, closes nobody, and can be begun anew', async () => {
    const { clock, drain, did, told, moving } = setUp()
    told.resolve()
    const ended = drain.begin()
    await clock.pass(1_000)
    drain.cancel()
    await ended
    assert.equal(drain.state, 'serving')
    assert.equal(moving[0]?.aborted, true)
    await clock.pass(20_000)
    assert.equal(did.at(-1), 'report serving')
    assert.ok(!did.includes('close 1012'))
    void drain.begin()
    await clock.pass(10_000)
    assert.equal(drain.state, 'drained')
    drain.cancel()
    assert.equal(drain.state, 'serving')
    assert.deepEqual(did.slice(-2), ['reopen', 'report serving'])
  })
})
