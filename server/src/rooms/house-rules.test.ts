import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Act } from '@flotilla/protocol/acts.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { HouseRules, type SystemDraft } from './house-rules.ts'

const NOW = 1_000_000
const person = (name: string): User => ({ id: `user:${name}`, name })
const [ann, bob] = [person('ann'), person('bob')]
const made = (visibility: Genesis['visibility']): Genesis => ({
  name: 'r',
  visibility,
  createdAt: 1,
  createdBy: ann,
})
const send = (user: User, id = 'm') => ({ id, user, type: 'message' as const })

/** Accepted, and on its way into the log. */
function accept(rules: HouseRules, by: User, act: Act, id = 'a'): SystemDraft {
  const judged = rules.judge(id, by, act, NOW)
  assert.ok('draft' in judged, JSON.stringify(judged))
  return judged.draft
}
let seqs = 0
function perform(rules: HouseRules, by: User, act: Act, id = `done ${seqs}`): void {
  rules.committed(accept(rules, by, act, id), (seqs += 1), NOW)
}
const code = (judged: object) => ('code' in judged ? judged.code : 'ok')

describe('what is being committed', () => {
  test('forbids at once, and no more if the commit fails', () => {
    const rules = new HouseRules(made('public'), [])
    const ban = accept(rules, ann, { act: 'ban', user: bob })
    assert.equal(rules.isOpen, false)
    assert.equal(rules.maySend(send(bob), NOW)?.code, 'forbidden')
    assert.equal(rules.mayEnter(bob, NOW)?.code, 'forbidden')
    rules.dropped(ban)
    assert.equal(rules.isOpen, true)
    assert.equal(rules.maySend(send(bob), NOW), undefined)
  })

  test('allows nothing before it is durable', () => {
    const rules = new HouseRules(made('private'), [])
    perform(rules, ann, { act: 'invite', user: bob })
    const join = accept(rules, bob, { act: 'join' }, 'join')
    assert.equal(rules.maySend(send(bob), NOW)?.code, 'no_such_room')
    assert.equal(rules.mayEnter(bob, NOW)?.code, 'no_such_room')
    rules.committed(join, 2, NOW)
    assert.equal(rules.maySend(send(bob), NOW), undefined)
  })

  test('gives nobody a power before it is durable: he is to ask again', () => {
    const rules = new HouseRules(made('public'), [])
    for (const user of [bob, person('cas')]) perform(rules, user, { act: 'join' })
    const role = accept(rules, ann, { act: 'role', user: bob, role: 'moderator' })
    const act = { act: 'remove', user: person('cas') } as const
    assert.equal(code(rules.judge('b', bob, act, NOW)), 'busy')
    rules.committed(role, 9, NOW)
    assert.equal(code(rules.judge('b', bob, act, NOW)), 'ok')
  })

  test('is not judged by itself when it is asked for again, and then is what it came to', () => {
    const rules = new HouseRules(made('public'), [])
    const archive = accept(rules, ann, { act: 'archive' }, 'same')
    assert.equal(code(rules.judge('same', ann, { act: 'archive' }, NOW)), 'busy')
    assert.equal(code(rules.judge('other', ann, { act: 'archive' }, NOW)), 'busy', 'it may fail yet')
    rules.committed(archive, 4, NOW)
    assert.partialDeepStrictEqual(rules.judge('same', ann, { act: 'archive' }, NOW), { done: { seq: 4 } })
    assert.deepEqual(rules.judge('other', ann, { act: 'archive' }, NOW), { done: {} })
    assert.equal(
      code(rules.judge('same', bob, { act: 'archive' }, NOW)),
      'forbidden',
      'an id is his who made it',
    )
    assert.equal(code(rules.judge('same', ann, { act: 'unarchive' }, NOW)), 'conflict')
  })

  test('is not taken for another act under the same id: who asked for that hears that it was not done', () => {
    const rules = new HouseRules(made('public'), [])
    const ban: Act = { act: 'ban', user: bob, until: NOW + 5_000, reason: 'spam' }
    perform(rules, ann, ban, 'same')
    const again = { ...ban, until: NOW + 6_000, user: { ...bob, name: 'robert' } }
    assert.ok('done' in rules.judge('same', ann, again, NOW))
    assert.equal(code(rules.judge('same', ann, { ...ban, user: person('cas') }, NOW)), 'conflict')
    assert.equal(code(rules.judge('same', ann, { act: 'topic', topic: 'news' }, NOW)), 'conflict')
  })

  test('of several, one that fails leaves the others', () => {
    const rules = new HouseRules(made('public'), [])
    const [first, second] = [
      accept(rules, ann, { act: 'ban', user: bob }, 'one'),
      accept(rules, ann, { act: 'ban', user: person('cas') }, 'two'),
    ]
    rules.dropped(first)
    assert.equal(rules.mayEnter(bob, NOW), undefined)
    assert.equal(rules.mayEnter(person('cas'), NOW)?.code, 'forbidden')
    rules.committed(second, 1, NOW)
    assert.equal(rules.mayEnter(person('cas'), NOW)?.code, 'forbidden')
  })
})

describe('slow mode at the home', () => {
  test('counts from what was taken, not from what was refused or lost', () => {
    const rules = new HouseRules(made('public'), [])
    perform(rules, ann, { act: 'slow', everyMs: 1_000 })
    rules.said(send(bob, 'one'), NOW)
    assert.deepEqual(rules.maySend(send(bob, 'two'), NOW + 400)?.retryMs, 600)
    rules.unsaid(send(bob, 'two'))
    assert.equal(rules.maySend(send(bob, 'two'), NOW + 400)?.code, 'rate_limited')
    rules.unsaid(send(bob, 'one'))
    assert.equal(rules.maySend(send(bob, 'two'), NOW + 400), undefined)
    rules.said(send(bob, 'one'), NOW)
    assert.equal(rules.maySend({ ...send(bob, 'r'), type: 'react' }, NOW), undefined, 'only what is said')
    assert.equal(rules.maySend(send(ann, 'x'), NOW), undefined, 'who keeps order is free')
    assert.equal(rules.maySend(send(bob, 'two'), NOW + 1_000), undefined)
  })
})

describe('a room that is plain', () => {
  test('is public and as it was made; its owner is told that he is it', () => {
    const rules = new HouseRules(made('public'), [])
    assert.deepEqual(rules.plain, { view: { name: 'r', visibility: 'public' }, owner: ann.id })
    assert.equal(new HouseRules(made('private'), []).plain, undefined)
    perform(rules, bob, { act: 'join' })
    assert.equal(rules.plain, undefined, 'somebody is something here')
    assert.equal(rules.isOpen, true, 'yet anybody may send')
    assert.deepEqual(new HouseRules(undefined, []).plain, { view: { visibility: 'public' } })
  })

  test('nobody sends what only a home writes', () => {
    const rules = new HouseRules(made('public'), [])
    assert.equal(rules.maySend({ ...send(ann), type: 'system' }, NOW)?.code, 'forbidden')
  })
})
