import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ActSchema, type Act, type ActName } from './acts.ts'
import type { User } from './frames.ts'
import type { Genesis } from './genesis.ts'
import { judge, mayAudit, mayErase, type Verdict } from './judge.ts'
import { Roster, ROSTER_LIMITS } from './roster.ts'

const NOW = 1_000_000
const LATER = NOW + 60_000
const HASH = 'a'.repeat(64)
const OTHER_HASH = 'b'.repeat(64)
const person = (name: string): User => ({ id: `user:${name}`, name })
const [owner, moderator, member, other, invited, banned, stranger] = (
  ['owner', 'moderator', 'member', 'other', 'invited', 'banned', 'stranger'] as const
).map(person) as [User, User, User, User, User, User, User]
const guest: User = { id: 'guest:gil', name: 'gil' }

const ASKERS = { stranger, guest, invited, banned, member, moderator, owner }

/** Does it as the home does: judged, then folded. */
function perform(roster: Roster, by: User, act: Act, now = NOW): Verdict {
  const verdict = judge(roster, by, act, now)
  if (verdict.ok && verdict.event !== undefined) {
    const { event, data } = verdict
    roster.apply({ event, data, user: by, ts: now, seq: roster.version + 1 })
  }
  return verdict
}

function must(roster: Roster, by: User, act: Act): void {
  const verdict = perform(roster, by, act)
  assert.ok(verdict.ok && verdict.event !== undefined, `${by.name} ${JSON.stringify(act)}`)
}

function room(visibility: Genesis['visibility']): Roster {
  const people = visibility === 'direct' ? { people: [member, other] as [User, User] } : { createdBy: owner }
  const roster = new Roster({ name: 'the room', visibility, createdAt: 1, ...people })
  if (visibility === 'direct') return roster
  for (const user of [moderator, member, other]) {
    must(roster, owner, { act: 'invite', user })
    must(roster, user, { act: 'join' })
  }
  must(roster, owner, { act: 'role', user: moderator, role: 'moderator' })
  must(roster, owner, { act: 'invite', user: invited })
  must(roster, owner, { act: 'ban', user: banned })
  return roster
}

/** One example of each act: it would change something if it were allowed. */
const ACTS: { [A in ActName]: Extract<Act, { act: A }> } = {
  join: { act: 'join' },
  leave: { act: 'leave' },
  invite: { act: 'invite', user: person('somebody') },
  uninvite: { act: 'uninvite', user: person('askedtoo') },
  remove: { act: 'remove', user: other },
  ban: { act: 'ban', user: other },
  unban: { act: 'unban', user: person('barredtoo') },
  mute: { act: 'mute', user: other, until: LATER },
  unmute: { act: 'unmute', user: person('mutedtoo') },
  role: { act: 'role', user: other, role: 'moderator' },
  owner: { act: 'owner', user: other },
  rename: { act: 'rename', name: 'another' },
  topic: { act: 'topic', topic: 'news' },
  slow: { act: 'slow', everyMs: 5_000 },
  archive: { act: 'archive' },
  unarchive: { act: 'unarchive' },
  link: { act: 'link', hash: HASH, until: LATER },
  unlink: { act: 'unlink', hash: OTHER_HASH },
  retention: { act: 'retention', days: 30 },
  name: { act: 'name', name: 'renamed' },
  gone: { act: 'gone' },
  block: { act: 'block' },
  unblock: { act: 'unblock' },
}

function prepare(roster: Roster, act: ActName): void {
  const done: Partial<Record<ActName, Act>> = {
    uninvite: { act: 'invite', user: ACTS.uninvite.user },
    unban: { act: 'ban', user: ACTS.unban.user },
    unarchive: { act: 'archive' },
    unlink: { act: 'link', hash: OTHER_HASH, until: LATER },
  }
  const before = done[act]
  if (before !== undefined) must(roster, owner, before)
  if (act === 'unmute') {
    roster.apply({ event: 'mute', data: { user: ACTS.unmute.user, until: LATER }, user: owner, ts: NOW })
  }
}

const SIGN: Record<string, string> = { forbidden: 'f', no_such_room: '-', conflict: 'c', bad_message: 'b' }
/** `+` an entry, `=` nothing to do, `f` forbidden, `-` there is no such room. */
const signOf = (verdict: Verdict) =>
  verdict.ok ? (verdict.event === undefined ? '=' : '+') : SIGN[verdict.code]

//                stranger guest invited banned member moderator owner
const PRIVATE: Record<ActName, string> = {
  join: /*     */ '-       -     +       -      =      =         =',
  leave: /*    */ '-       -     +       -      +      +         f',
  invite: /*   */ '-       -     -       -      f      +         +',
  uninvite: /* */ '-       -     -       -      f      +         +',
  remove: /*   */ '-       -     -       -      f      +         +',
  ban: /*      */ '-       -     -       -      f      +         +',
  unban: /*    */ '-       -     -       -      f      +         +',
  mute: /*     */ '-       -     -       -      f      +         +',
  unmute: /*   */ '-       -     -       -      f      +         +',
  role: /*     */ '-       -     -       -      f      f         +',
  owner: /*    */ '-       -     -       -      f      f         +',
  rename: /*   */ '-       -     -       -      f      f         +',
  topic: /*    */ '-       -     -       -      f      +         +',
  slow: /*     */ '-       -     -       -      f      +         +',
  archive: /*  */ '-       -     -       -      f      f         +',
  unarchive: /**/ '-       -     -       -      f      f         +',
  link: /*     */ '-       -     -       -      f      f         +',
  unlink: /*   */ '-       -     -       -      f      f         +',
  retention: /**/ '-       -     -       -      f      f         +',
  name: /*     */ '-       -     -       -      +      +         +',
  gone: /*     */ '+       +     +       +      +      +         +',
  block: /*    */ '-       -     -       -      f      f         f',
  unblock: /*  */ '-       -     -       -      f      f         f',
}
//                stranger guest invited banned member moderator owner
const PUBLIC: Record<ActName, string> = {
  join: /*     */ '+       f     +       f      =      =         =',
  leave: /*    */ '=       f     +       =      +      +         f',
  invite: /*   */ 'f       f     f       f      f      +         +',
  uninvite: /* */ 'f       f     f       f      f      +         +',
  remove: /*   */ 'f       f     f       f      f      +         +',
  ban: /*      */ 'f       f     f       f      f      +         +',
  unban: /*    */ 'f       f     f       f      f      +         +',
  mute: /*     */ 'f       f     f       f      f      +         +',
  unmute: /*   */ 'f       f     f       f      f      +         +',
  role: /*     */ 'f       f     f       f      f      f         +',
  owner: /*    */ 'f       f     f       f      f      f         +',
  rename: /*   */ 'f       f     f       f      f      f         +',
  topic: /*    */ 'f       f     f       f      f      +         +',
  slow: /*     */ 'f       f     f       f      f      +         +',
  archive: /*  */ 'f       f     f       f      f      f         +',
  unarchive: /**/ 'f       f     f       f      f      f         +',
  link: /*     */ 'f       f     f       f      f      f         f',
  unlink: /*   */ 'f       f     f       f      f      f         =',
  retention: /**/ 'f       f     f       f      f      f         +',
  name: /*     */ '=       f     +       +      +      +         +',
  gone: /*     */ '+       +     +       +      +      +         +',
  block: /*    */ 'f       f     f       f      f      f         f',
  unblock: /*  */ 'f       f     f       f      f      f         f',
}

describe('every act by everybody', () => {
  for (const [visibility, table] of [
    ['private', PRIVATE],
    ['public', PUBLIC],
  ] as const) {
    for (const act of Object.keys(ACTS) as ActName[]) {
      test(`${act} in a ${visibility} room`, () => {
        const found = Object.values(ASKERS).map((asker) => {
          const roster = room(visibility)
          if (!(visibility === 'public' && act === 'unlink')) prepare(roster, act)
          return signOf(judge(roster, asker, ACTS[act], NOW))
        })
        assert.deepEqual(found, table[act].split(/ +/))
      })
    }
  }

  test('a direct room takes nothing but blocks, and that from its two only', () => {
    for (const act of Object.keys(ACTS) as ActName[]) {
      const signs = [member, stranger, guest].map((by) => signOf(judge(room('direct'), by, ACTS[act], NOW)))
      const own = { block: '+', unblock: '=', name: '+', gone: '+' }[act as string] ?? 'f'
      assert.deepEqual(signs, act === 'gone' ? ['+', '+', '+'] : [own, '-', '-'], act)
    }
  })

  test('an archived room takes nothing but its return, and people who leave', () => {
    for (const act of Object.keys(ACTS) as ActName[]) {
      const roster = room('private')
      if (act !== 'unarchive') prepare(roster, act)
      must(roster, owner, { act: 'archive' })
      const by = act === 'leave' || act === 'name' ? member : owner
      const sign = signOf(judge(roster, by, ACTS[act], NOW))
      const expected =
        act === 'archive' ? '=' : ['unarchive', 'leave', 'name', 'gone'].includes(act) ? '+' : 'f'
      assert.equal(sign, expected, act)
    }
  })
})

describe('who may be acted on', () => {
  const ON = ['remove', 'ban', 'mute', 'unmute', 'role', 'unban', 'uninvite'] as const

  test('no moderator acts on another, or on the owner, and nobody on himself', () => {
    for (const act of ON) {
      const roster = room('private')
      must(roster, owner, { act: 'role', user: other, role: 'moderator' })
      for (const user of [owner, other, moderator]) {
        assert.equal(
          signOf(judge(roster, moderator, { ...ACTS[act], user }, NOW)),
          'f',
          `${act} ${user.name}`,
        )
      }
      assert.equal(signOf(judge(roster, owner, { ...ACTS[act], user: owner }, NOW)), 'f', act)
    }
  })

  test('the owner acts on moderators, too', () => {
    const roster = room('private')
    must(roster, owner, { act: 'remove', user: moderator })
    assert.equal(roster.roleOf(moderator.id, NOW), undefined)
  })

  test('who is no member is not removed, muted, or given a role; in a public room anybody can be sent out', () => {
    const roster = room('private')
    for (const act of ['remove', 'mute', 'role', 'owner'] as const) {
      assert.equal(signOf(judge(roster, owner, { ...ACTS[act], user: stranger }, NOW)), 'c', act)
    }
    assert.equal(signOf(judge(room('public'), moderator, { act: 'remove', user: guest }, NOW)), '+')
    assert.equal(signOf(judge(room('public'), moderator, { ...ACTS.mute, user: guest }, NOW)), '+')
  })

  test('a guest is neither invited nor made anything', () => {
    assert.equal(signOf(judge(room('private'), owner, { act: 'invite', user: guest }, NOW)), 'f')
    assert.equal(
      signOf(judge(room('public'), owner, { act: 'role', user: guest, role: 'moderator' }, NOW)),
      'c',
    )
    const made = new Roster({ name: 'n', visibility: 'public', createdAt: 1, createdBy: guest })
    assert.equal(made.roleOf(guest.id, NOW), undefined)
    assert.equal(made.facts().owner, undefined)
  })

  test('whom the room knows it calls by the name it knows', () => {
    const verdict = judge(room('private'), owner, { act: 'remove', user: { ...other, name: 'liar' } }, NOW)
    assert.deepEqual(verdict.ok && verdict.data, { user: other })
  })

  test('who is banned is not invited before that is lifted', () => {
    const roster = room('private')
    assert.equal(signOf(judge(roster, owner, { act: 'invite', user: banned }, NOW)), 'c')
    must(roster, owner, { act: 'unban', user: banned })
    must(roster, owner, { act: 'invite', user: banned })
  })
})

describe('coming in', () => {
  test('a link lets in until it ends, as often as it says, and never whom the room has banned', () => {
    const roster = room('private')
    const comes = (by: User, now = NOW, link = HASH) =>
      signOf(perform(roster, by, { act: 'join', link }, now))
    assert.equal(comes(stranger), '-')
    must(roster, owner, { act: 'link', hash: HASH, until: LATER, uses: 2 })
    assert.equal(comes(stranger, NOW, OTHER_HASH), '-')
    assert.equal(comes(banned), '-')
    assert.equal(comes(guest), '-')
    assert.equal(comes(stranger, LATER), '-')
    assert.equal(comes(stranger), '+')
    assert.equal(comes(stranger), '=', 'he is in')
    assert.equal(comes(person('second')), '+')
    assert.equal(comes(person('third')), '-')
  })

  test('a link that was taken back lets nobody in', () => {
    const roster = room('private')
    must(roster, owner, { act: 'link', hash: HASH, until: LATER })
    must(roster, owner, { act: 'unlink', hash: HASH })
    assert.equal(signOf(judge(roster, stranger, { act: 'join', link: HASH }, NOW)), '-')
  })

  test('who was sent out comes in by an invitation, or by a link that was made after it; for him there is no such room', () => {
    const roster = room('private')
    const comes = (by: User, link?: string) =>
      signOf(perform(roster, by, link === undefined ? { act: 'join' } : { act: 'join', link }))
    must(roster, owner, { act: 'link', hash: HASH, until: LATER })
    assert.equal(comes(stranger, HASH), '+')
    for (const user of [stranger, other, member]) must(roster, moderator, { act: 'remove', user })
    for (const user of [stranger, other, member]) assert.equal(comes(user, HASH), '-', user.name)
    must(roster, owner, { act: 'link', hash: OTHER_HASH, until: LATER })
    assert.equal(comes(stranger, HASH), '-')
    assert.equal(comes(stranger, OTHER_HASH), '+')
    must(roster, owner, { act: 'invite', user: other })
    assert.equal(comes(other, HASH), '+')
    assert.equal(comes(person('somebody'), HASH), '+')
  })

  test('an invitation is good once, and can be taken back', () => {
    const roster = room('private')
    must(roster, invited, { act: 'join' })
    must(roster, invited, { act: 'leave' })
    assert.equal(signOf(judge(roster, invited, { act: 'join' }, NOW)), '-')
    must(roster, owner, { act: 'invite', user: stranger })
    must(roster, moderator, { act: 'uninvite', user: stranger })
    assert.equal(signOf(judge(roster, stranger, { act: 'join' }, NOW)), '-')
  })

  test('a room that is full takes nobody', () => {
    const roster = new Roster({ name: 'n', visibility: 'public', createdAt: 1 })
    for (let i = 0; i < ROSTER_LIMITS.members; i += 1) {
      roster.apply({ event: 'join', user: { id: `user:${i}`, name: 'n' }, ts: NOW })
    }
    assert.equal(signOf(judge(roster, stranger, { act: 'join' }, NOW)), 'f')
  })
})

describe('the room is handed on', () => {
  test('the owner leaves after he has handed it over, and not before', () => {
    const roster = room('private')
    must(roster, owner, { act: 'owner', user: member })
    assert.equal(roster.roleOf(owner.id, NOW), 'moderator')
    assert.deepEqual(roster.facts().owner, member)
    must(roster, owner, { act: 'leave' })
    assert.equal(signOf(judge(roster, member, { act: 'leave' }, NOW)), 'f')
  })

  test('only the owner deletes it; owner and moderators read what was done; to strangers there is none', () => {
    const roster = room('private')
    const codes = (may: typeof mayErase) =>
      Object.values(ASKERS).map((by) => SIGN[may(roster, by, NOW)?.code ?? ''] ?? '+')
    assert.deepEqual(codes(mayErase), ['-', '-', '-', '-', 'f', 'f', '+'])
    assert.deepEqual(codes(mayAudit), ['-', '-', '-', '-', 'f', '+', '+'])
  })
})

describe('times', () => {
  test('what would have ended already is refused', () => {
    const roster = room('private')
    for (const act of ['mute', 'ban'] as const) {
      assert.equal(signOf(judge(roster, owner, { act, user: other, until: NOW }, NOW)), 'b', act)
    }
    assert.equal(signOf(judge(roster, owner, { act: 'link', hash: HASH, until: NOW }, NOW)), 'b')
  })

  test('an act that changes nothing makes no entry', () => {
    for (const act of [
      'mute',
      'ban',
      'role',
      'rename',
      'topic',
      'slow',
      'retention',
      'link',
      'invite',
    ] as const) {
      const roster = room('private')
      must(roster, owner, ACTS[act])
      assert.equal(signOf(judge(roster, owner, ACTS[act], NOW)), '=', act)
    }
  })
})

describe('acts as they come over the wire', () => {
  test('each of the examples is one, and what is out of its bounds is none', () => {
    for (const act of Object.values(ACTS)) assert.ok(ActSchema.safeParse(act).success, act.act)
    const bad: object[] = [
      { act: 'erase' },
      { act: 'invite' },
      { act: 'invite', user: { id: 'nobody', name: 'n' } },
      { act: 'invite', user: { id: `user:${'x'.repeat(200)}`, name: 'n' } },
      { act: 'rename', name: '' },
      { act: 'rename', name: '\ud800' },
      { act: 'rename', name: 'x'.repeat(65) },
      { act: 'topic', topic: 'x'.repeat(501) },
      { act: 'slow', everyMs: -1 },
      { act: 'slow', everyMs: 0.5 },
      { act: 'mute', user: other },
      { act: 'role', user: other, role: 'owner' },
      { act: 'link', hash: 'A'.repeat(64), until: LATER },
      { act: 'link', hash: HASH, until: LATER, uses: 0 },
      { act: 'join', link: 'secret' },
      { act: 'retention', days: 0 },
    ]
    for (const act of bad) assert.ok(!ActSchema.safeParse(act).success, JSON.stringify(act))
  })
})
