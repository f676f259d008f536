import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { User } from '@flotilla/protocol/frames.ts'
import { openTwoServers } from '../test/two-servers.ts'
import type { MembersDifference } from './members-view.ts'
import type { Member } from './audience.ts'

const [ADA, BOB, CAS] = ['ada', 'bob', 'cas'].map((name) => ({ id: `guest:${name}`, name })) as [
  User,
  User,
  User,
]

class Person implements Member {
  readonly user: User
  cursor = 0
  readonly admittedAt = 0
  readonly heard: MembersDifference[] = []
  constructor(user: User) {
    this.user = user
  }
  unsentBytes(): number {
    return 0
  }
  write(): void {}
  reset(): void {}
  presenceKnown = 0
  presence(change: MembersDifference): void {
    this.heard.push(change)
  }
  typing(): void {}
  sentOut(): void {}
}

describe('a room that is handed over', () => {
  test('[P1] shows everybody to who comes to its new home before those on other servers were reported there', async () => {
    const { world, clock, a, b } = openTwoServers()
    a.open('r')
    await clock.pass(100)
    for (const user of [ADA, BOB]) a.open('r').enter(new Person(user), () => {})
    await clock.pass(500)
    const leaving = a.handOver()
    await clock.pass(0)
    world.isHeld = true // `take` has arrived; that a follows now, and who is there, has not
    await clock.pass(100)
    assert.equal(b.open('r').home?.epoch, 2)
    const cas = new Person(CAS)
    let shown: { members: string; count: number } | undefined
    b.open('r').enter(cas, (people) => (shown = people))
    assert.deepEqual(shown, { members: JSON.stringify([ADA, BOB, CAS]), count: 3 })
    world.isHeld = false
    for (const run of world.held.splice(0)) run()
    await clock.pass(20_000)
    await leaving
    assert.deepEqual(
      cas.heard.flatMap(({ leave }) => leave),
      [],
    )
  })
  test('is counted as handed over by the one, and as received by the other', async () => {
    const { clock, moves, a, b } = openTwoServers()
    a.open('r')
    await clock.pass(100)
    assert.deepEqual(moves, [], 'a room that begins has not moved')
    const leaving = a.handOver()
    await clock.pass(5_000)
    await leaving
    assert.deepEqual([moves.sort(), b.open('r').home?.epoch], [['a handed_over', 'b received'], 2])
  })
})

describe('a room that is taken over', () => {
  test('is counted as such by the one, and as lost by the other when it finds out', async () => {
    const { world, clock, moves, a, b } = openTwoServers()
    a.open('r')
    await clock.pass(100)
    Object.assign(world, { home: 'b', epoch: 2 })
    b.open('r')
    await clock.pass(100)
    assert.equal(b.open('r').home?.epoch, 2)
    await clock.pass(5_000)
    assert.deepEqual(moves.sort(), ['a lost', 'b taken_over'])
  })
})
