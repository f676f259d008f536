import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { User } from '@flotilla/protocol/frames.ts'
import { Person } from '../test/person.ts'
import { openTwoServers } from '../test/two-servers.ts'

const [ann, bob]: [User, User] = [
  { id: 'user:ann', name: 'ann' },
  { id: 'user:bob', name: 'bob' },
]

/** Ann has said 1 to 5 in the room, homed on a, and later 6 and 7; what is older than those is forgotten. */
async function open() {
  const { clock, stores, a, b } = openTwoServers({
    name: 'r',
    visibility: 'public',
    createdAt: 1,
    createdBy: ann,
  })
  const speaker = new Person(ann, a, clock)
  const listener = new Person(bob, b, clock)
  for (const each of [speaker, listener]) assert.equal(await each.join(), 'joined')
  for (let i = 1; i <= 5; i += 1) await speaker.send(`${i}`)
  await clock.pass(10_000)
  const since = clock.now()
  for (const text of ['6', '7']) await speaker.send(text)
  const floor = await stores.get('a')?.forget('r', since)
  assert.equal(floor, 6)
  a.open('r').raiseFloor(6)
  await clock.pass(200)
  return { clock, a, b, speaker, listener }
}
const texts = (person: Person) => person.of('message').map(({ text }) => text)

for (const there of ['a', 'b'] as const) {
  describe(`what is old, at ${there === 'a' ? 'the home of the room' : 'another server'}`, () => {
    test('[J2] [J4] is told to nobody who comes, be it that he was here before', async () => {
      const fleet = await open()
      for (const frame of [{}, { since: 1 }]) {
        const late = new Person(bob, fleet[there], fleet.clock)
        await late.say({ type: 'join', room: 'r', ...frame })
        assert.equal(late.of('joined')[0]?.first, 6)
        assert.deepEqual(texts(late), ['6', '7'])
      }
    })

    test('[H1] [H3] is on no page of history, and after it comes what is left', async () => {
      const fleet = await open()
      const late = new Person(bob, fleet[there], fleet.clock)
      await late.join()
      const pages = [{ before: 6 }, { before: 8 }, { after: 0 }, { after: 3 }]
      for (const page of pages) await late.say({ type: 'history', room: 'r', limit: 10, ...page })
      assert.deepEqual(
        late.of('history').map(({ entries, done }) => [entries.map(({ seq }) => seq), done]),
        [
          [[], true],
          [[6, 7], true],
          [[6, 7], true],
          [[6, 7], true],
        ],
      )
    })

    test('is gone from before the eyes of nobody, and what comes next comes', async () => {
      const { speaker, listener } = await open()
      assert.deepEqual(texts(listener), ['1', '2', '3', '4', '5', '6', '7'])
      await speaker.send('8')
      assert.equal(texts(listener).at(-1), '8')
    })
  })
}
