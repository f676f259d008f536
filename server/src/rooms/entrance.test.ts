import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { refuse, type Refusal } from '@flotilla/protocol/errors.ts'
import { encodeEntry, type LeftReason, type SystemEntry, type User } from '@flotilla/protocol/frames.ts'
import { FakeClock } from '../test/fake-clock.ts'
import type { Member } from './audience.ts'
import { Entrance, systemEntry, type Admitted } from './entrance.ts'

const person = (name: string): User => ({ id: `user:${name}`, name })
const [ann, bob] = [person('ann'), person('bob')]
const entry = (seq: number, event: string, user = bob): SystemEntry => ({
  ...{ type: 'system', room: 'r', seq, id: `s${seq}`, user: ann, ts: 1, event },
  data: { user },
})

function open(...people: [User, admittedAt: number][]) {
  const out: [string, LeftReason][] = []
  const members = new Set<Member>()
  for (const [user, admittedAt] of people) {
    members.add({
      ...{ user, admittedAt, cursor: 0, presenceKnown: 0 },
      unsentBytes: () => 0,
      write: () => {},
      reset: () => {},
      presence: () => {},
      typing: () => {},
      sentOut: (reason) => void out.push([user.name, reason]),
    })
  }
  const clock = new FakeClock()
  const entrance = new Entrance(
    () => members,
    (member) => void members.delete(member),
    clock,
  )
  return { entrance, out, members, clock }
}

describe('who is let into a room', () => {
  test('is everybody, without asking, while it is plain; its owner as such', () => {
    const { entrance } = open()
    assert.equal(entrance.admit(bob, 5), undefined)
    entrance.becomes({ view: { visibility: 'public' }, owner: ann.id })
    assert.deepEqual(entrance.admit(bob, 5), { ok: true, at: 5, view: { visibility: 'public' } })
    assert.equal(entrance.admit(ann, 5)?.view.role, 'owner')
    entrance.happened(entry(6, 'topic'))
    assert.equal(entrance.admit(bob, 6), undefined)
  })

  test('goes with what comes after he was let in, and not with what came before', () => {
    const { entrance, out, members } = open([bob, 3], [bob, 7], [ann, 3])
    entrance.happened(entry(5, 'remove'))
    assert.deepEqual(out, [['bob', 'removed']])
    assert.equal(members.size, 2)
    entrance.happened(entry(8, 'ban'))
    assert.deepEqual(out, [
      ['bob', 'removed'],
      ['bob', 'banned'],
    ])
  })

  test('is let in no more if something has sent him out since, be it long forgotten', () => {
    const { entrance } = open()
    const admitted = (at: number): Admitted => ({ ok: true, at, view: { visibility: 'private' } })
    entrance.happened(entry(5, 'remove'))
    assert.equal(entrance.isGood(bob, admitted(4)), false)
    assert.equal(entrance.isGood(bob, admitted(5)), true)
    assert.equal(entrance.isGood(ann, admitted(1)), true)
    for (let seq = 6; seq < 1_100; seq += 1) entrance.happened(entry(seq, 'remove', person(`p${seq}`)))
    assert.equal(entrance.isGood(bob, admitted(4)), false)
    assert.equal(entrance.isGood(ann, admitted(1)), false, 'nobody knows: he is to ask again')
    assert.equal(entrance.isGood(ann, admitted(1_099)), true)
  })
})

test('in another log that is shorter whoever is here goes by what comes, and who was sent out before comes in again', () => {
  const { entrance, out } = open([bob, 120])
  entrance.happened(entry(130, 'remove', person('cas')))
  entrance.begins(50)
  assert.equal(entrance.isGood(person('cas'), { ok: true, at: 50, view: { visibility: 'private' } }), true)
  entrance.happened(entry(51, 'remove'))
  assert.deepEqual(out, [['bob', 'removed']])
})

describe('everybody in a room', () => {
  test('goes when it is deleted', () => {
    const { entrance, out } = open([ann, 1], [bob, 1])
    entrance.erased()
    assert.deepEqual(out, [
      ['ann', 'deleted'],
      ['bob', 'deleted'],
    ])
  })

  test('is judged anew by a home that does not know what they were told', () => {
    const { entrance, out } = open([ann, 1], [bob, 1])
    entrance.review(({ id }) => (id === bob.id ? refuse('no_such_room') : undefined))
    assert.deepEqual(out, [['bob', 'removed']])
  })

  test('is asked for again, with another log, until there is an answer', async () => {
    const { entrance, out, clock } = open([ann, 1], [bob, 1])
    let bobs = 0
    const answer = ({ id }: User): Admitted | Refusal => {
      if (id !== bob.id) return { ok: true, at: 1, view: { visibility: 'private' } }
      bobs += 1
      return refuse(bobs === 1 ? 'busy' : 'no_such_room')
    }
    entrance.askAgain((user) => Promise.resolve(answer(user)))
    await clock.pass(999)
    assert.deepEqual(out, [])
    await clock.pass(10_000)
    assert.deepEqual(out, [['bob', 'removed']])
    assert.equal(bobs, 2)
  })
})

test('an entry that happens to a room is known by one byte, whatever is said in others', () => {
  const line = (text: string) =>
    Buffer.from(encodeEntry({ type: 'message', room: 'r', seq: 1, id: 'i', user: ann, text, ts: 1 }))
  assert.equal(systemEntry(line('{"type":"system"}')), undefined)
  assert.equal(systemEntry(Buffer.from(encodeEntry(entry(2, 'remove'))))?.event, 'remove')
})
