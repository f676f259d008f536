import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import type { Entry } from '../frames.ts'
import { ChatClient } from './client.ts'
import { FakeClock } from './test/fake-clock.ts'
import { LossyFleet, NO_FAULTS, type Faults } from './test/lossy-fleet.ts'
import { ANNA } from './test/peer.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

const SENDS = 30
/** Far more than any world needs: one that takes this many steps is stuck. */
const MAX_STEPS = 20_000

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One world: a client sends while everything goes wrong, then the faults end, and it must come to rest. */
async function live(seed: number, faults: Faults) {
  const random = seeded(seed)
  const clock = new FakeClock()
  const fleet = new LossyFleet(clock, random, faults)
  for (let i = 0; i < 5; i++) fleet.say(`before ${i}`)
  const { fetch, WebSocket } = fleet
  const client = new ChatClient({
    loadbalancers: ['http://lb'],
    identity: { username: 'anna' },
    fetch,
    WebSocket,
    clock,
    random,
  })
  const room = client.room('general')
  const rendered: Entry[] = []
  const acks = new Map<string, number>()
  const ids: string[] = []
  room.listen({
    entries: (entries) => rendered.push(...entries),
    ack: ({ id, seq }) => {
      assert.ok(!acks.has(id), 'acked once')
      acks.set(id, seq)
    },
    reset: () => assert.fail('no log was lost'),
    refused: ({ code }) => assert.fail(`nothing is finally refused: ${code}`),
  })
  client.start()
  const isAtRest = () =>
    ids.length === SENDS && room.pending.length === 0 && rendered.at(-1)?.seq === fleet.log.length
  let steps = 0
  while (!isAtRest()) {
    steps += 1
    assert.ok(steps < MAX_STEPS, `stuck: ${JSON.stringify([client.connection, room.state, room.pending])}`)
    if (ids.length < SENDS && random() < 0.15) ids.push(room.send(`text ${ids.length}`).id)
    else if (ids.length < SENDS && random() < 0.1) fleet.say(`other ${steps}`)
    else if (ids.length === SENDS && random() < 0.02) fleet.faults = NO_FAULTS
    clock.next()
    await setImmediate() // promises of `fetch`, and frames that go out at the end of a turn
  }
  client.close()
  return { fleet, rendered, acks, ids, steps }
}

test('[R5] [R9] [R13] [S2] [S4] through any faults, sends reach the log once and in order, and all is shown once, gapless', async () => {
  const fault = (max: number) => fc.double({ min: 0, max, noNaN: true })
  const faults = fc.record({
    cut: fault(0.15),
    late: fault(1),
    repeat: fault(0.5),
    skip: fault(0.3),
    refuse: fault(0.4),
    move: fault(0.8),
    lost: fault(0.5),
  })
  await fc.assert(
    fc.asyncProperty(fc.integer(), faults, async (seed, given) => {
      const { fleet, rendered, acks, ids } = await live(seed, given)
      const own = fleet.log.filter(({ user }) => user.id === ANNA.id)
      assert.deepEqual(
        own.map(({ id }) => id),
        ids,
        'each once, in the order of sending',
      )
      assert.deepEqual(rendered, fleet.log.slice(rendered[0]!.seq - 1), 'what is shown is the log')
      assert.deepEqual(
        [...acks].sort(([, a], [, b]) => a - b),
        own.map(({ id, seq }) => [id, seq]),
        'every ack is in the log at its seq',
      )
    }),
    { numRuns: 150 },
  )
})
