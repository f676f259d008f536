import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MemoryNetwork } from '../bus/memory-bus.ts'
import { FakeClock } from '../test/fake-clock.ts'
import type { SendOutcome } from './committer.ts'
import { Relay } from './relay.ts'

/** An edge that follows a room of so many people, and the sends that its home hears of, by when. */
async function open(audience: number) {
  const clock = new FakeClock()
  const startedAt = clock.now()
  const network = new MemoryNetwork({
    message: (_from, _to, run) => run(),
    state: (_from, _to, run) => run(),
  })
  const [edge, home] = [network.join('edge'), network.join('home')]
  const heard: [atMs: number, id: string][] = []
  const nothing = { up: () => {}, down: () => {}, drained: () => {} }
  edge.listen({ ...nothing, message: () => {} })
  home.listen({
    ...nothing,
    message: (_from, message) => {
      if (message.t === 'send') heard.push([clock.now() - startedAt, message.send.id])
    },
  })
  let lastRequest = 0
  const relay = new Relay({
    ...{ room: 'r', home: 'home', epoch: 1, clock, bus: edge },
    position: () => ({ log: 'l', head: 0 }),
    audience: () => audience,
    nextRequest: () => (lastRequest += 1),
    events: {
      following: () => {},
      entries: () => {},
      members: () => {},
      typing: () => {},
      peopleWanted: () => {},
      lost: () => {},
      erased: () => {},
      floor: () => {},
    },
  })
  relay.receive({ t: 'following', room: 'r', epoch: 1, log: 'l', head: 0 }, Buffer.alloc(0))
  const outcomes: SendOutcome[] = []
  const send = (id: string) =>
    relay.send({ id, user: { id: 'guest:ada', name: 'ada' }, type: 'message', text: 'hi' }, (outcome) =>
      outcomes.push(outcome),
    )
  /** One send each 5 ms. */
  const talk = async (count: number) => {
    for (let i = 0; i < count; i += 1) {
      send(`${(clock.now() - startedAt) / 5}`)
      await clock.pass(5)
    }
  }
  await clock.pass(0)
  return { clock, relay, heard, outcomes, send, talk }
}

describe('sends at an edge', () => {
  test('go up one by one in a room of few, however many there are', async () => {
    const { heard, talk } = await open(50)
    await talk(40)
    assert.deepEqual(
      heard.filter(([at, id]) => at !== Number(id) * 5),
      [],
    )
    assert.equal(heard.length, 40)
  })

  test('go up one by one in a room of many in which it is quiet', async () => {
    const { clock, heard, send } = await open(1_000)
    for (let i = 0; i < 10; i += 1) {
      send(`${i}`)
      await clock.pass(40)
    }
    assert.deepEqual(
      heard.map(([at]) => at),
      Array.from({ length: 10 }, (_, i) => i * 40),
    )
  })

  test('go up some at a time in a busy room of many, in their order, each within 16 ms', async () => {
    const { clock, heard, talk } = await open(1_000)
    await talk(40)
    await clock.pass(20)
    assert.deepEqual(
      heard.map(([, id]) => id),
      Array.from({ length: 40 }, (_, i) => `${i}`),
    )
    assert.ok(heard.every(([at, id]) => at - Number(id) * 5 <= 16))
    const times = new Set(heard.slice(20).map(([at]) => at))
    assert.ok(times.size <= 7, `the last 20 went up ${times.size} times`)
  })

  test('that have not gone up when the home is lost are refused, and never sent', async () => {
    const { clock, relay, heard, outcomes, talk } = await open(1_000)
    await talk(20)
    const sent = heard.length
    assert.ok(sent < 20, 'some wait')
    relay.homeDown()
    await clock.pass(50)
    assert.equal(heard.length, sent)
    assert.equal(outcomes.length, 20)
    assert.ok(outcomes.every((outcome) => !outcome.ok && outcome.code === 'busy'))
    relay.close({ unfollow: false })
  })
})
