import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { User } from './frames.ts'
import type { Genesis } from './genesis.ts'
import { LINK_LIMITS } from './links.ts'
import { Roster, ROSTER_LIMITS, type Folded } from './roster.ts'

// The same examples each time.
fc.configureGlobal({ seed: 1 })

const NOW = 1_000_000
const ann: User = { id: 'user:ann', name: 'ann' }
const bob: User = { id: 'user:bob', name: 'bob' }
const eve: User = { id: 'user:eve', name: 'eve' }
const gil: User = { id: 'guest:gil', name: 'gil' }

const made = (visibility: Genesis['visibility'], over: Partial<Genesis> = {}) =>
  new Roster({ name: 'room', visibility, createdAt: 1, createdBy: ann, ...over })
const entry = (user: User, event: string, data?: object): Folded => ({ user, event, data, ts: NOW })
const codeOf = (refusal: { code: string } | undefined) => refusal?.code

describe('who may enter and send', () => {
  test('a public room takes everybody, guests too, but those it has banned', () => {
    const roster = made('public')
    for (const user of [ann, eve, gil]) {
      assert.equal(roster.mayEnter(user, NOW), undefined)
      assert.equal(roster.maySend(user, NOW), undefined)
    }
    roster.apply(entry(ann, 'ban', { user: eve, until: NOW + 10 }))
    assert.equal(codeOf(roster.mayEnter(eve, NOW)), 'forbidden')
    assert.equal(codeOf(roster.maySend(eve, NOW)), 'forbidden')
    assert.equal(roster.mayEnter(eve, NOW + 10), undefined, 'it has ended')
  })

  test('whose account is deleted neither enters nor says anything more, whatever token of his is still good', () => {
    const [open, closed] = [made('public'), made('private')]
    for (const roster of [open, closed]) {
      for (const event of ['join', 'gone']) roster.apply(entry(bob, event))
      assert.ok(!roster.isOpen)
    }
    assert.equal(codeOf(open.mayEnter(bob, NOW)), 'forbidden')
    assert.equal(codeOf(open.maySend(bob, NOW)), 'forbidden')
    assert.equal(codeOf(closed.maySend(bob, NOW)), 'no_such_room')
    assert.equal(open.maySend(eve, NOW), undefined)
  })

  test('a private room takes its members, and to others there is none: guests, invited and banned people alike', () => {
    const roster = made('private')
    roster.apply(entry(ann, 'invite', { user: bob }))
    roster.apply(entry(ann, 'ban', { user: gil }))
    for (const user of [bob, eve, gil]) {
      assert.equal(codeOf(roster.mayEnter(user, NOW)), 'no_such_room', user.name)
      assert.equal(codeOf(roster.maySend(user, NOW)), 'no_such_room', user.name)
    }
    roster.apply(entry(bob, 'join', { via: 'invite' }))
    assert.equal(roster.mayEnter(bob, NOW), undefined)
    assert.equal(roster.maySend(bob, NOW), undefined)
    for (const event of ['remove', 'ban']) {
      const out = roster.clone()
      out.apply(entry(ann, event, { user: bob }))
      assert.equal(codeOf(out.mayEnter(bob, NOW)), 'no_such_room', event)
    }
  })

  test('a room without a genesis is public, and nobody is its owner', () => {
    const roster = new Roster(undefined)
    assert.ok(roster.isOpen)
    assert.equal(roster.mayEnter(gil, NOW), undefined)
    assert.deepEqual(roster.members(NOW), [])
  })

  test('who is muted reads, and says nothing until it ends, not even after he has left and joined again', () => {
    const roster = made('public')
    roster.apply(entry(bob, 'join'))
    roster.apply(entry(ann, 'mute', { user: bob, until: NOW + 10 }))
    roster.apply(entry(bob, 'leave'))
    roster.apply(entry(bob, 'join'))
    assert.equal(roster.mayEnter(bob, NOW), undefined)
    assert.equal(codeOf(roster.maySend(bob, NOW)), 'forbidden')
    assert.deepEqual(roster.members(NOW)[1], { user: bob, role: 'member', mutedUntil: NOW + 10 })
    assert.equal(roster.viewFor(bob.id).mutedUntil, NOW + 10)
    assert.ok(!('mutedUntil' in roster.viewFor(ann.id)))
    assert.equal(roster.maySend(bob, NOW + 10), undefined)
    roster.apply(entry(ann, 'unmute', { user: bob }))
    assert.equal(roster.maySend(bob, NOW), undefined)
  })

  test('an archived room is read, and nobody sends', () => {
    const roster = made('private')
    roster.apply(entry(ann, 'archive'))
    assert.equal(roster.mayEnter(ann, NOW), undefined)
    assert.equal(codeOf(roster.maySend(ann, NOW)), 'forbidden')
    roster.apply(entry(ann, 'unarchive'))
    assert.equal(roster.maySend(ann, NOW), undefined)
  })

  test('between two people one says that nothing is said any more, for both; each takes back his own only', () => {
    const roster = made('direct', { people: [ann, bob] })
    assert.equal(codeOf(roster.mayEnter(eve, NOW)), 'no_such_room')
    assert.equal(roster.maySend(bob, NOW), undefined)
    roster.apply(entry(ann, 'block'))
    roster.apply(entry(bob, 'block'))
    roster.apply(entry(bob, 'unblock'))
    for (const user of [ann, bob]) assert.equal(codeOf(roster.maySend(user, NOW)), 'forbidden')
    roster.apply(entry(ann, 'unblock'))
    for (const user of [ann, bob]) assert.equal(roster.maySend(user, NOW), undefined)
  })
})

describe('people who go', () => {
  test('with the account of its owner a room goes to its oldest moderator, else to its oldest member', () => {
    const roster = made('private')
    for (const user of [eve, bob]) roster.apply(entry(user, 'join', {}))
    const [plain, ordered] = [roster, roster.clone()]
    plain.apply(entry({ ...ann, name: 'deleted user' }, 'gone'))
    assert.deepEqual(plain.facts().owner, eve)
    ordered.apply(entry(ann, 'role', { user: bob, role: 'moderator' }))
    ordered.apply(entry(ann, 'gone'))
    assert.deepEqual(ordered.facts().owner, bob)
    assert.equal(ordered.roleOf(ann.id, NOW), undefined)
  })

  test('of two people the one without an account keeps no name, and the other one the room', () => {
    const roster = made('direct', { people: [ann, bob] })
    roster.apply(entry(bob, 'gone'))
    assert.deepEqual(
      roster.members(NOW).map(({ user }) => user.name),
      ['ann', 'deleted user'],
    )
    assert.equal(roster.mayEnter(ann, NOW), undefined)
    assert.equal(codeOf(roster.maySend(ann, NOW)), 'forbidden')
  })

  test('who has another name is called by it, whatever he is here', () => {
    const roster = made('private')
    roster.apply(entry(ann, 'invite', { user: bob }))
    roster.apply(entry(ann, 'ban', { user: eve }))
    for (const user of [ann, bob, eve]) roster.apply(entry({ ...user, name: `${user.name}2` }, 'name'))
    assert.equal(roster.facts().owner?.name, 'ann2')
    assert.deepEqual(roster.invited(), [{ ...bob, name: 'bob2' }])
    assert.deepEqual(roster.banned(NOW), [{ user: { ...eve, name: 'eve2' } }])
  })
})

describe('what a room is', () => {
  test('the facts follow the entries', () => {
    const roster = made('public')
    assert.deepEqual(roster.facts(), {
      name: 'room',
      visibility: 'public',
      archived: false,
      slowMs: 0,
      owner: ann,
    })
    roster.apply(entry(ann, 'rename', { name: 'hall' }))
    roster.apply(entry(ann, 'topic', { topic: 'news' }))
    roster.apply(entry(ann, 'slow', { everyMs: 500 }))
    roster.apply(entry(ann, 'retention', { days: 7 }))
    roster.apply(entry(ann, 'archive'))
    const facts = { name: 'hall', topic: 'news', visibility: 'public', archived: true, slowMs: 500 } as const
    assert.deepEqual(roster.facts(), { ...facts, retentionDays: 7, owner: ann })
    roster.apply(entry(ann, 'topic', { topic: '' }))
    roster.apply(entry(ann, 'retention', { days: null }))
    assert.deepEqual([roster.facts().topic, roster.facts().retentionDays], [undefined, undefined])
  })

  test('it is open as long as nobody has to be looked up before he sends', () => {
    assert.ok(made('public').isOpen)
    assert.ok(!made('private').isOpen)
    for (const [event, data] of [
      ['ban', { user: bob }],
      ['mute', { user: bob, until: NOW + 1 }],
      ['slow', { everyMs: 1 }],
      ['archive', {}],
    ] as const) {
      const roster = made('public')
      roster.apply(entry(bob, 'join'))
      assert.ok(roster.isOpen)
      roster.apply(entry(ann, event, data))
      assert.ok(!roster.isOpen, event)
    }
  })

  test('links that have ended make room for others', () => {
    const roster = made('private')
    for (let i = 0; i < ROSTER_LIMITS.links; i += 1) {
      roster.apply(entry(ann, 'link', { hash: `old ${i}`, until: NOW + 1 }))
    }
    assert.ok(roster.isFull('links', NOW))
    assert.ok(!roster.isFull('links', NOW + 1))
    roster.apply({ ...entry(ann, 'link', { hash: 'new', until: NOW + 9 }), ts: NOW + 1 })
    assert.ok(!roster.hasLink('old 1'))
    assert.equal(roster.links(NOW + 1).length, 1)
  })
})

describe('who was sent out and the links he knows', () => {
  const link = (hash: string) => entry(ann, 'link', { hash, until: NOW + 9 })
  const removed = (user: User) => entry(ann, 'remove', { user })
  /** Bob came by a link, and was sent out. */
  const withoutBob = () => {
    const roster = made('private')
    roster.apply(link('old'))
    roster.apply(entry(bob, 'join', { via: 'link', hash: 'old' }))
    roster.apply(removed(bob))
    return roster
  }
  const opens = (roster: Roster, hash: string, user: User) => roster.opensTo(user.id, hash, NOW)

  test('a link that was made before lets in everybody else, and one that is made later him, too', () => {
    const roster = withoutBob()
    assert.ok(!opens(roster, 'old', bob))
    assert.ok(opens(roster, 'old', eve))
    roster.apply(link('new'))
    assert.ok(opens(roster, 'new', bob))
    assert.ok(!opens(roster, 'old', bob))
  })

  test('it is good for him again when he has come in again, and not when an invitation was taken back', () => {
    const roster = withoutBob()
    roster.apply(entry(ann, 'invite', { user: bob }))
    roster.apply(entry(ann, 'uninvite', { user: bob }))
    assert.ok(!opens(roster, 'old', bob))
    for (const event of ['join', 'leave']) roster.apply(entry(bob, event, {}))
    assert.ok(opens(roster, 'old', bob))
  })

  test('a copy knows it, too, and what is told to one of them later the other one does not know', () => {
    const roster = withoutBob()
    const copy = roster.clone()
    assert.ok(!opens(copy, 'old', bob))
    copy.apply(removed(eve))
    assert.ok(opens(roster, 'old', eve))
    roster.apply(link('new'))
    assert.ok(opens(roster, 'new', bob))
    copy.apply(link('new'))
    assert.ok(opens(copy, 'new', eve))
  })

  test('of many who were sent out, the first is forgotten with the links he knows', () => {
    const roster = withoutBob()
    roster.apply(link('later'))
    for (let i = 1; i <= LINK_LIMITS.removed; i += 1) roster.apply(removed({ id: `user:${i}`, name: 'n' }))
    assert.ok(!opens(roster, 'old', eve), 'ended')
    assert.ok(opens(roster, 'later', eve))
    assert.ok(!opens(roster, 'later', { id: 'user:1', name: 'n' }))
  })

  test('who was banned may come by a link again when that is over', () => {
    const roster = made('private')
    roster.apply(link('old'))
    roster.apply(entry(ann, 'ban', { user: bob }))
    roster.apply(entry(ann, 'unban', { user: bob }))
    assert.ok(opens(roster, 'old', bob))
  })
})

describe('folding', () => {
  const people = [ann, bob, eve, gil]
  const anyEntry = fc.record({
    event: fc.constantFrom(
      ...['join', 'leave', 'invite', 'uninvite', 'remove', 'ban', 'unban', 'mute', 'unmute', 'role', 'owner'],
      ...[
        'rename',
        'topic',
        'slow',
        'archive',
        'unarchive',
        'link',
        'unlink',
        'retention',
        'name',
        'gone',
        'block',
      ],
      ...['unblock', 'damaged', 'constructor'],
    ),
    user: fc.constantFrom(...people),
    ts: fc.nat(),
    data: fc.oneof(
      fc.anything(),
      fc.record(
        {
          user: fc.oneof(fc.constantFrom(...people), fc.anything()),
          until: fc.oneof(fc.nat(), fc.anything()),
          role: fc.constantFrom('moderator', 'member', 'owner', 7),
          name: fc.anything(),
          hash: fc.constantFrom('h', '__proto__'),
          uses: fc.nat(3),
          everyMs: fc.anything(),
        },
        { requiredKeys: [] },
      ),
    ),
  })
  const state = (roster: Roster) => {
    const { version } = roster
    return {
      version,
      ...roster.facts(),
      m: roster.members(5),
      i: roster.invited(),
      b: roster.banned(5),
      l: roster.links(5),
    }
  }

  test('whatever stands in a log can be folded, and there is never more than one owner', () => {
    const visibilities = fc.constantFrom<Genesis['visibility']>('public', 'private', 'direct')
    fc.assert(
      fc.property(visibilities, fc.array(anyEntry, { maxLength: 40 }), (visibility, entries) => {
        const roster = made(visibility, visibility === 'direct' ? { people: [ann, bob] } : {})
        for (const each of entries) roster.apply(each)
        assert.ok(roster.members(5).filter(({ role }) => role === 'owner').length <= 1)
        assert.ok(roster.members(5).every(({ user }) => typeof user.id === 'string'))
      }),
    )
  })

  test('a copy is the same, and what it is told later the first one does not know', () => {
    fc.assert(
      fc.property(
        fc.array(anyEntry, { maxLength: 30 }),
        fc.array(anyEntry, { maxLength: 10 }),
        (before, after) => {
          const roster = made('private')
          for (const [i, each] of before.entries()) roster.apply({ ...each, seq: i + 1 })
          const was = state(roster)
          const copy = roster.clone()
          assert.deepEqual(state(copy), was)
          for (const each of after) copy.apply(each)
          assert.deepEqual(state(roster), was)
        },
      ),
    )
  })

  test('the version is the seq of the last entry it was told', () => {
    const roster = made('public')
    assert.equal(roster.version, 0)
    roster.apply({ ...entry(bob, 'join'), seq: 7 })
    assert.equal(roster.version, 7)
  })
})
