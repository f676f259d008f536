import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { User } from '@flotilla/protocol/frames.ts'
import { MembersView } from './members-view.ts'

const ADA = { id: 'guest:ada', name: 'ada' }
const BOB = { id: 'guest:bob', name: 'bob' }

function pageOf(view: MembersView, asker: User): { members: User[]; count: number } {
  const { members, count } = view.page(asker)
  return { members: JSON.parse(members) as User[], count }
}

describe('what an edge shows of a room’s people', () => {
  test('[P1] who came and went before the home named him is gone at once', () => {
    const view = new MembersView()
    view.enter(ADA)
    assert.deepEqual(view.enter(BOB), { join: [BOB], leave: [], count: 2 })
    assert.deepEqual(view.exit(BOB), { join: [], leave: [BOB], count: 1 })
    assert.equal(view.exit(BOB), undefined)
  })

  test('[P1] who was named by the home stays until the home says that he went', () => {
    const view = new MembersView()
    view.enter(BOB)
    view.apply({ full: false, settled: true, join: [BOB], leave: [], count: 1 })
    assert.equal(view.exit(BOB), undefined)
    assert.deepEqual(view.apply({ full: false, settled: true, join: [], leave: [BOB], count: 0 }), {
      join: [],
      leave: [BOB],
      count: 0,
    })
  })

  test('tells only what is new to those who look on', () => {
    const view = new MembersView()
    const named = { full: false, settled: true, join: [ADA], leave: [], count: 1 }
    assert.deepEqual(view.apply(named), { join: [ADA], leave: [], count: 1 })
    assert.equal(view.apply(named), undefined)
    assert.equal(view.enter(ADA), undefined)
  })

  test('[P4] a full list of a home that has not heard of every edge lets nobody go', () => {
    const view = new MembersView()
    view.apply({ full: true, settled: true, join: [ADA, BOB], leave: [], count: 2 })
    assert.equal(view.apply({ full: true, settled: false, join: [ADA], leave: [], count: 1 }), undefined)
    assert.deepEqual(view.apply({ full: true, settled: true, join: [ADA], leave: [], count: 1 }), {
      join: [],
      leave: [BOB],
      count: 1,
    })
  })

  test('[P1] the count falls with those who leave, also at a home that has not heard of every edge', () => {
    const view = new MembersView()
    view.apply({ full: true, settled: false, join: [ADA, BOB], leave: [], count: 2 })
    assert.deepEqual(view.apply({ full: false, settled: false, join: [], leave: [BOB], count: 1 }), {
      join: [],
      leave: [BOB],
      count: 1,
    })
  })

  test('who is on this server is here, even if a full list does not know him yet', () => {
    const view = new MembersView()
    view.enter(ADA)
    assert.equal(view.apply({ full: true, settled: true, join: [], leave: [], count: 0 }, [ADA]), undefined)
    assert.deepEqual(pageOf(view, ADA), { members: [ADA], count: 1 })
  })

  test('[P2] a page has everybody once, the asker included, whoever came or went since the last one', () => {
    const view = new MembersView()
    view.apply({ full: true, settled: true, join: [ADA], leave: [], count: 1 })
    assert.deepEqual(pageOf(view, ADA), { members: [ADA], count: 1 })
    view.enter(BOB)
    view.enter(BOB)
    assert.deepEqual(pageOf(view, BOB), { members: [ADA, BOB], count: 2 })
    view.apply({ full: false, settled: true, join: [BOB], leave: [], count: 2 })
    assert.deepEqual(pageOf(view, BOB), { members: [ADA, BOB], count: 2 })
    view.apply({ full: false, settled: true, join: [], leave: [ADA], count: 1 })
    assert.deepEqual(pageOf(view, BOB), { members: [BOB], count: 1 })
  })
})

describe('a room of more people than are named', () => {
  const people = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ id: `guest:${i}`, name: `${i}` }))
  const full = (count: number, named = people(count).slice(0, 200)) =>
    ({ full: true, settled: true, join: named, leave: [], count }) as const

  test('[P3] nobody is called gone because a page has no place for him, and then there are only counts', () => {
    const view = new MembersView()
    view.apply(full(200))
    assert.deepEqual(view.enter(ADA), { join: [], leave: [], count: 201 })
    assert.equal(view.apply(full(201)), undefined)
    assert.deepEqual(view.apply(full(250)), { join: [], leave: [], count: 250 })
    assert.deepEqual(pageOf(view, ADA).members.length, 200)
    assert.deepEqual(pageOf(view, ADA).members[0], ADA)
    assert.deepEqual(view.apply(full(249, people(201).slice(1))), { join: [], leave: [], count: 249 })
  })

  test('[P3] people here whom the home has not counted yet make no more of them than are named', () => {
    const view = new MembersView()
    view.apply(full(192))
    for (let i = 0; i < 8; i += 1) view.enter({ id: `guest:early${i}`, name: `early${i}` })
    const change = view.apply({ ...full(200, people(200).slice(192)), full: false })
    assert.deepEqual([change?.join.length, change?.count], [8, 200])
    assert.deepEqual(view.apply(full(208)), { join: [], leave: [], count: 208 })
  })

  test('[P1] [P3] when they are few again, everybody is named and who was shown before is let go', () => {
    const view = new MembersView()
    view.apply(full(201))
    pageOf(view, ADA)
    const left = people(201).slice(1, 101)
    const change = view.apply(full(100, left))
    assert.deepEqual(change?.join, left)
    assert.equal(change?.leave.length, 100)
    assert.ok(change?.leave.some(({ id }) => id === 'guest:0'))
    assert.equal(change?.count, 100)
    assert.equal(view.isSmall, true)
  })
})
