import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { User } from '@flotilla/protocol/frames.ts'
import { MemoryNetwork } from '../bus/memory-bus.ts'
import { MemoryDisk, MemoryStore } from '../store/memory-store.ts'
import { FakeClock, settled } from '../test/fake-clock.ts'
import { Person } from '../test/person.ts'
import { openTwoServers } from '../test/two-servers.ts'
import { Committer, type SendOutcome } from './committer.ts'
import { Rooms } from './rooms.ts'

const ann: User = { id: 'user:ann', name: 'ann' }

describe('a room that is taken anew in the term it is in', () => {
  test('has nothing in its log that its home does not know of: what waited to be committed is refused', async () => {
    const { clock, a, stores } = openTwoServers({
      name: 'r',
      visibility: 'public',
      createdAt: 1,
      createdBy: ann,
    })
    a.open('r')
    await clock.pass(100)
    const home = a.open('r').home!
    const outcomes: SendOutcome[] = []
    let sent = 0
    const send = (count: number) => {
      for (let i = 0; i < count; i += 1) {
        const id = `${(sent += 1)}`
        home.accept({ type: 'message', id, user: ann, text: id }, (outcome) => outcomes.push(outcome))
      }
    }
    // So many that the next commit keeps its distance.
    send(1)
    await clock.pass(1)
    send(50)
    await clock.pass(1)
    const acked = outcomes.length
    assert.equal(acked, 51)
    send(1)
    const acting = home.act('act', ann, { act: 'topic', topic: 'news' })
    a.doubt()
    await clock.pass(1_000)
    const next = a.open('r').home
    assert.ok(next !== undefined && next !== home)
    const log = await stores.get('a')!.read('r', { after: 0 }, 100)
    assert.equal(a.open('r').feed?.head, log.length)
    assert.equal(outcomes.filter(({ ok }) => ok).length, log.length)
    const acted = await acting
    assert.equal(acted.ok, next.rules.roster.facts().topic === 'news')
    assert.deepEqual([acted.ok ? 'ok' : acted.code, outcomes.at(-1)?.ok], ['busy', false])
  })
})

test('a room that goes on in another log in the own store is taken anew, and whoever is in it told so', async () => {
  const { clock, a, stores } = openTwoServers()
  a.open('r')
  await clock.pass(100)
  const person = new Person(ann, a, clock)
  assert.equal(await person.join(), 'joined')
  await stores.get('a')!.renewLogs(0)
  a.renewed('r')
  await clock.pass(1_000)
  const taken = await stores.get('a')!.take('r', 1)
  assert.ok(typeof taken !== 'string')
  assert.deepEqual([a.open('r').home?.epoch, a.open('r').feed?.log], [1, taken.log])
  assert.deepEqual(person.of('reset'), [{ type: 'reset', room: 'r', log: taken.log }])
})

describe('a server whose store turns out to be older than it was', () => {
  test('asks whose a room is, also of one that was being opened just then', async () => {
    const clock = new FakeClock()
    const disks = new Map(['a', 'b'].map((id) => [id, new MemoryDisk()]))
    const [storeA, storeB] = ['a', 'b'].map((self) => {
      return new MemoryStore({ self, disk: disks.get(self)!, disks })
    }) as [MemoryStore, MemoryStore]
    await storeA.take('r', 1)
    await storeB.take('r', 2, [{ id: 'a', dataDir: '' }])
    // The fence is among what was lost.
    Object.assign(disks.get('a')!.rooms.get('r')!, { epoch: 1, movedTo: undefined })

    const network = new MemoryNetwork({
      message: (_from, _to, run) => run(),
      state: (_from, _to, run) => run(),
    })
    network.join('b').listen({ message() {}, up() {}, down() {}, drained() {} })
    const registered = Promise.withResolvers<void>()
    const rooms = new Rooms(
      {
        ...{ self: 'a', clock, store: storeA, bus: network.join('a'), random: () => 0.5, note: () => {} },
        directory: {
          place: (room) =>
            Promise.resolve({
              ...{ room, epoch: 2, visibility: 'public', from: [{ id: 'a', dataDir: '' }] },
              home: { id: 'b', url: 'ws://b/ws', host: 'b', port: 1 },
            }),
          taken: () => {},
        },
        committer: new Committer({
          ...{ store: storeA, clock, onLost: (cause) => assert.fail(cause as Error) },
          counters: { commits: 0, commitNo: 0, waiting: 0, begin: () => () => {} },
        }),
        feedCounters: { deliveries: 0, writes: 0, catchUps: 0, catchUpFailures: 0 },
        nextRequest: () => 1,
        confirmed: () => registered.promise,
      },
      await storeA.held(),
    )
    const room = rooms.open('r')
    await settled()
    await storeA.renewLogs(9)
    rooms.doubt()
    registered.resolve()
    await clock.pass(100)
    assert.equal(room.home, undefined)
    assert.equal(room.relay?.home, 'b')
    rooms.close()
  })
})
