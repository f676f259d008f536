import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LOST_EVENT } from './acts.ts'
import type { User } from './frames.ts'
import type { Genesis } from './genesis.ts'
import { judge } from './judge.ts'
import { Roster, type Folded } from './roster.ts'

/** What becomes of a room of whose acts one is lost: read as nothing it would give back what it may have taken. */

const [ann, bob, cat, dan] = ['ann', 'bob', 'cat', 'dan'].map((name) => ({ id: `user:${name}`, name })) as [
  User,
  User,
  User,
  User,
]
const NOW = 1_000
const HASH = 'a'.repeat(64)

const entry = (event: string, user: User, data: object = {}): Folded => ({ event, user, data, ts: 1 })
const lost = (was = 'system') => entry(LOST_EVENT, { id: 'system', name: '' }, { was })

function folded(visibility: Genesis['visibility'], ...entries: Folded[]): Roster {
  const people = visibility === 'direct' ? { people: [ann, bob] as [User, User] } : { createdBy: ann }
  const roster = new Roster({ name: 'r', visibility, createdAt: 1, ...people })
  for (const one of entries) roster.apply(one)
  return roster
}

const before = [
  entry('join', bob),
  entry('role', ann, { user: bob, role: 'moderator' }),
  entry('join', cat),
  entry('invite', ann, { user: dan }),
  entry('link', ann, { hash: HASH, until: 2_000 }),
  entry('retention', ann, { days: 1 }),
]

describe('of a room of which an act is lost', () => {
  test('a private one is for its owner, and for those he lets in again', () => {
    const roster = folded('private', ...before, lost())
    const mayEnter = () =>
      [ann, bob, cat, dan].filter((user) => roster.mayEnter(user, NOW) === undefined).map(({ name }) => name)
    assert.deepEqual(mayEnter(), ['ann'])
    for (const user of [bob, cat, dan]) {
      assert.equal(judge(roster, user, { act: 'join' }, NOW).ok, false)
      assert.equal(judge(roster, user, { act: 'join', link: HASH }, NOW).ok, false)
    }
    assert.equal(judge(roster, ann, { act: 'invite', user: bob }, NOW).ok, true)
    roster.apply(entry('invite', ann, { user: bob }))
    roster.apply(entry('join', bob))
    assert.deepEqual(mayEnter(), ['ann', 'bob'])
    assert.equal(roster.mayModerate(bob.id), false)
  })

  test('a public one stays open, and has no moderators until its owner makes some', () => {
    const roster = folded('public', ...before, entry('ban', ann, { user: dan }), lost())
    assert.deepEqual(
      [ann, bob, cat].map((user) => [roster.maySend(user, NOW), roster.mayModerate(user.id)]),
      [
        [undefined, true],
        [undefined, false],
        [undefined, false],
      ],
    )
    assert.equal(roster.maySend(dan, NOW)?.code, 'forbidden', 'what is known is so still')
    assert.equal(judge(roster, ann, { act: 'role', user: bob, role: 'moderator' }, NOW).ok, true)
  })

  test('nothing is said in a direct one until both want it', () => {
    const roster = folded('direct', lost())
    assert.equal(roster.mayEnter(bob, NOW), undefined)
    for (const [at, user] of [ann, bob].entries()) {
      assert.equal(roster.maySend(user, NOW)?.code, 'forbidden')
      assert.equal(judge(roster, user, { act: 'unblock' }, NOW).ok, true)
      roster.apply(entry('unblock', user))
      assert.equal(roster.maySend(user, NOW) === undefined, at === 1)
    }
  })

  test('nothing is forgotten in time until somebody says so again', () => {
    assert.equal(folded('public', ...before).facts().retentionDays, 1)
    assert.equal(folded('public', ...before, lost()).facts().retentionDays, undefined)
  })

  test('what was said, and is lost, changes nothing', () => {
    const state = (roster: Roster) => [roster.members(NOW), roster.invited(), roster.facts(), roster.version]
    for (const was of ['message', 'edit', 'delete', 'react']) {
      assert.deepEqual(
        state(folded('private', ...before, lost(was))),
        state(folded('private', ...before)),
        was,
      )
    }
  })
})
