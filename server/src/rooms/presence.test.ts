import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Presence } from './presence.ts'

const user = (name: string) => ({ id: `guest:${name}`, name })
const ids = (users: { name: string }[]) => users.map(({ name }) => name)
const [ann, bob, cid] = [user('ann'), user('bob'), user('cid')]
const full = (v: number, ...join: (typeof ann)[]) => ({ v, full: true, join, leave: [] })
const delta = (v: number, join: (typeof ann)[], leave: string[] = []) => ({ v, full: false, join, leave })

describe('presence at a home', () => {
  test('[P2] somebody on two edges is here once, until he left both', () => {
    const presence = new Presence(5_000)
    presence.report('e1', full(1, ann))
    presence.report('e2', full(1, ann, bob))
    assert.deepEqual(ids(presence.takeChanges().join), ['ann', 'bob'])
    assert.equal(presence.count, 2)
    presence.report('e1', delta(2, [], [ann.id]))
    assert.deepEqual(presence.takeChanges(), { join: [], leave: [] })
    presence.report('e2', delta(2, [], [ann.id]))
    assert.deepEqual(ids(presence.takeChanges().leave), ['ann'])
    assert.equal(presence.count, 1)
  })

  test('a report that was missed is noticed, a doubled one is harmless', () => {
    const presence = new Presence(5_000)
    assert.equal(presence.report('e1', delta(1, [ann])), false)
    assert.equal(presence.report('e1', full(3, ann)), true)
    assert.equal(presence.report('e1', delta(4, [bob])), true)
    assert.equal(presence.report('e1', delta(4, [bob])), true)
    assert.equal(presence.report('e1', delta(6, [cid])), false)
    presence.takeChanges()
    assert.equal(presence.count, 2)
    assert.equal(presence.report('e1', full(6, ann, cid)), true)
    presence.takeChanges()
    assert.deepEqual(ids(presence.page(10)), ['ann', 'cid'])
  })

  test('[P4] the people of an edge that is gone stay for the grace, then leave in one event', () => {
    const presence = new Presence(5_000)
    presence.report('e1', full(1, ann, bob))
    presence.takeChanges()
    presence.edgeGone('e1', 1_000)
    assert.equal(presence.expire(5_999), 6_000)
    assert.deepEqual(presence.takeChanges().leave, [])
    assert.equal(presence.expire(6_000), undefined)
    assert.deepEqual(ids(presence.takeChanges().leave), ['ann', 'bob'])
  })

  test('[P4] who comes back within the grace, on whatever edge, never left', () => {
    const presence = new Presence(5_000)
    presence.report('e1', full(1, ann, bob))
    presence.takeChanges()
    presence.edgeGone('e1', 1_000)
    presence.report('e2', full(1, ann))
    presence.expire(6_000)
    assert.deepEqual(ids(presence.takeChanges().leave), ['bob'])
    presence.edgeGone('e2', 7_000)
    presence.report('e2', full(9, ann))
    presence.expire(60_000)
    assert.deepEqual(presence.takeChanges(), { join: [], leave: [] })
    assert.equal(presence.count, 1)
  })

  test('who came and went between two looks is in neither list', () => {
    const presence = new Presence(5_000)
    presence.report('e1', full(1, ann))
    presence.report('e1', delta(2, [], [ann.id]))
    assert.deepEqual(presence.takeChanges(), { join: [], leave: [] })
  })

  test('an edge that follows no longer takes its people with it at once', () => {
    const presence = new Presence(5_000)
    presence.report('e1', full(1, ann))
    presence.takeChanges()
    presence.edgeLeft('e1')
    assert.deepEqual(ids(presence.takeChanges().leave), ['ann'])
  })

  test('[P4] a new run of an edge has nobody yet, and its people keep their grace', () => {
    const presence = new Presence(5_000)
    presence.report('e1', full(7, ann, bob))
    presence.takeChanges()
    presence.edgeGone('e1', 1_000)
    presence.report('e1', full(1))
    presence.edgeGone('e1', 2_000)
    presence.report('e1', full(1))
    assert.equal(presence.report('e1', delta(2, [ann])), true)
    assert.deepEqual(presence.takeChanges(), { join: [], leave: [] })
    assert.equal(presence.expire(6_000), 7_000)
    assert.deepEqual(ids(presence.takeChanges().leave), ['bob'])
    assert.equal(presence.expire(7_000), undefined)
    assert.equal(presence.count, 1)
  })

  test('[P4] of an edge that was away only its whole list is believed', () => {
    const presence = new Presence(5_000)
    presence.report('e1', full(1, ann))
    presence.edgeGone('e1', 1_000)
    assert.equal(presence.report('e1', delta(2, [bob])), false)
    presence.report('e1', full(3, ann, bob))
    presence.expire(9_000)
    presence.takeChanges()
    assert.deepEqual(ids(presence.page(9)), ['ann', 'bob'])
  })

  test('[P2] who goes is called gone a little later, unless he is on another server by then', () => {
    const presence = new Presence(5_000, 200)
    presence.report('e1', full(1, ann, bob))
    presence.report('e2', full(1))
    presence.takeChanges(1_000)
    presence.report('e1', full(2))
    assert.deepEqual(presence.takeChanges(1_000).leave, [])
    assert.equal(presence.hasChanges, true)
    presence.report('e2', full(2, ann))
    assert.deepEqual(presence.takeChanges(1_100), { join: [], leave: [] })
    assert.deepEqual(ids(presence.takeChanges(1_200).leave), ['bob'])
    assert.equal(presence.hasChanges, false)
  })

  test('a snapshot is what the changes handed out so far add up to, not what is on its way', () => {
    const presence = new Presence(5_000, 1_000)
    presence.report('e1', full(1, ann, bob))
    presence.takeChanges(0)
    presence.report('e1', delta(2, [cid], [bob.id]))
    assert.deepEqual(ids(presence.page(9)), ['ann', 'bob'])
    presence.takeChanges(10)
    assert.deepEqual(ids(presence.page(9)), ['ann', 'bob', 'cid'])
    presence.report('e1', delta(3, [bob]))
    assert.deepEqual(presence.takeChanges(5_000), { join: [], leave: [] })
    assert.equal(presence.count, 3)
  })

  test('of two whole lists that overtake each other the later one counts', () => {
    const presence = new Presence(5_000)
    presence.report('e1', full(3, ann, bob))
    presence.report('e1', full(2, ann))
    presence.takeChanges()
    assert.equal(presence.count, 2)
  })
})
