import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MemoryNetwork } from '../bus/memory-bus.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { FakeClock } from '../test/fake-clock.ts'
import { Attendance, type PeopleReport } from './attendance.ts'
import { Committer } from './committer.ts'
import { Feed } from './feed.ts'
import type { GatheredPresence } from './gathered.ts'
import { Home } from './home.ts'
import { HouseRules } from './house-rules.ts'
import type { MembersDifference, MembersUpdate } from './members-view.ts'
import { Telling } from './telling.ts'

const ADA = { id: 'guest:ada', name: 'ada' }
const BOB = { id: 'guest:bob', name: 'bob' }

describe('attendance at a server', () => {
  const open = (clock = new FakeClock(), telling = new Telling(clock.now())) => {
    const reports: PeopleReport[] = []
    const said: MembersDifference[] = []
    const gathered: GatheredPresence[] = []
    const people = new Attendance({
      clock,
      tell: (report) => void reports.push(report),
      announce: (change) => void said.push(change),
      release: (changes) => void gathered.push(changes),
      telling,
    })
    return { clock, people, reports, said, gathered }
  }

  test('[P6] of a crowd the first are told of one by one, the others together once a second', async () => {
    const { clock, people, said, gathered } = open()
    for (let i = 0; i < 100; i += 1) people.enter({ id: `guest:${i}`, name: `${i}` })
    assert.equal(said.length, 10, 'nobody was here who could be told of the first')
    assert.equal(people.untold, 89)
    assert.equal(gathered.length, 0)
    await clock.pass(1_000)
    assert.equal(people.untold, 0)
    assert.deepEqual(
      gathered.map((changes) => changes.after(0)?.join.length),
      [89],
    )
    await clock.pass(2_000)
    people.enter(ADA)
    assert.deepEqual([said.length, gathered.length], [11, 1], 'and then one by one again')
  })

  test('[P6] when many come to many rooms, each room tells them together, and one by one again after a quiet second', async () => {
    const clock = new FakeClock()
    const telling = new Telling(clock.now())
    const rooms = Array.from({ length: 200 }, () => open(clock, telling))
    for (let i = 0; i < 5; i += 1) {
      for (const { people } of rooms) people.enter({ id: `guest:${i}`, name: `${i}` })
    }
    const told = rooms.reduce((sum, { said }) => sum + said.length, 0)
    assert.ok(told >= 400 && told <= 600, `${told} of 1,000 changes were told at once`)
    await clock.pass(1_100) // not all at one time
    for (const { said, gathered } of rooms) {
      assert.equal(
        said.length + (gathered[0]?.after(0)?.join.length ?? 0),
        4,
        'all but the first, who was alone',
      )
    }
    await clock.pass(1_000)
    rooms[0]?.people.enter(ADA)
    assert.deepEqual(rooms[0]?.said.at(-1)?.join, [ADA])
  })

  test('[P6] those who come while the process is busy are told of some seconds later', async () => {
    const clock = new FakeClock()
    let isBusy = true
    const { people, said, gathered } = open(clock, new Telling(clock.now(), () => isBusy))
    const come = (from: number) => {
      for (let i = from; i < from + 20; i += 1) people.enter({ id: `guest:${i}`, name: `${i}` })
    }
    come(0)
    await clock.pass(3_999)
    assert.deepEqual([said.length, gathered.length, people.untold], [10, 0, 9])
    await clock.pass(1)
    assert.deepEqual([gathered.length, people.untold], [1, 0])
    isBusy = false
    come(100)
    await clock.pass(1_000)
    assert.equal(gathered.length, 2)
  })

  test('[P2] the home hears of a person’s first and last session, in one report for what comes together', async () => {
    const { clock, people, reports } = open()
    for (const user of [ADA, BOB, BOB]) people.enter(user)
    await clock.pass(100)
    people.exit(BOB)
    await clock.pass(100)
    people.exit(BOB)
    people.enter(ADA)
    await clock.pass(100)
    assert.deepEqual(reports, [
      { v: 1, full: false, join: [ADA, BOB], leave: [] },
      { v: 2, full: false, join: [], leave: [BOB.id] },
    ])
  })

  test('[P1] who goes before the home named him is gone for those here a little later, if he is not back', async () => {
    const { clock, people, said } = open()
    people.enter(ADA)
    people.enter(BOB)
    said.length = 0
    people.exit(BOB)
    await clock.pass(200)
    people.enter(BOB)
    await clock.pass(1_000)
    assert.deepEqual(said, [])
    people.exit(BOB)
    await clock.pass(249)
    assert.deepEqual(said, [])
    await clock.pass(1)
    assert.deepEqual(said, [{ join: [], leave: [BOB], count: 1 }])
  })

  test('[P1] who left another server and is here did not leave, whatever the home hears first', () => {
    const { people, said } = open()
    people.enter(ADA)
    people.hear({ full: true, settled: true, join: [ADA, BOB], leave: [], count: 2 })
    people.enter(BOB)
    said.length = 0
    people.hear({ full: false, settled: true, join: [], leave: [BOB], count: 1 })
    people.hear({ full: false, settled: true, join: [BOB], leave: [], count: 2 })
    assert.deepEqual(said, [])
  })

  test('after the close nothing is said or told', async () => {
    const { clock, people, reports, said } = open()
    people.enter(ADA)
    people.exit(ADA)
    said.length = 0
    people.close()
    await clock.pass(1_000)
    assert.deepEqual([reports, said], [[], []])
  })
})

describe('the people of a room at its home', () => {
  test('[P2] who goes from one server to another is not called gone, in whichever order the two tell it', async () => {
    const clock = new FakeClock()
    const network = new MemoryNetwork({ message: (_f, _t, run) => run(), state: (_f, _t, run) => run() })
    const store = new MemoryStore()
    const updates: MembersUpdate[] = []
    const home = new Home({
      room: 'r',
      epoch: 1,
      rules: new HouseRules(undefined, []),
      self: 'a',
      clock,
      bus: network.join('a'),
      feed: new Feed({
        clock,
        counters: { deliveries: 0, writes: 0, catchUps: 0, catchUpFailures: 0 },
        log: 'l',
        head: 0,
        read: () => Promise.resolve([]),
      }),
      committer: new Committer({
        store,
        clock,
        counters: { commits: 0, commitNo: 0, waiting: 0, begin: () => () => {} },
        onLost: (cause) => assert.fail(cause as Error),
      }),
      events: {
        members: (update) => void updates.push(update),
        typing: () => {},
        happened: () => {},
        fenced: () => {},
      },
    })
    home.follow('b', 0, 'l')
    home.hearPeople('a', { v: 1, full: true, join: [ADA, BOB], leave: [] })
    home.hearPeople('b', { v: 1, full: true, join: [], leave: [] })
    await clock.pass(6_000)
    updates.length = 0
    home.hearPeople('a', { v: 2, full: false, join: [], leave: [BOB.id] })
    await clock.pass(150)
    home.hearPeople('b', { v: 2, full: false, join: [BOB], leave: [] })
    await clock.pass(1_000)
    assert.deepEqual(updates, [])
    home.hearPeople('b', { v: 3, full: false, join: [], leave: [BOB.id] })
    await clock.pass(400)
    assert.deepEqual(
      updates.map(({ leave }) => leave),
      [[BOB]],
    )
    home.close()
  })
})
