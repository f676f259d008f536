import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MembersView } from './members-view.ts'

const ADA = { id: 'guest:ada', name: 'ada' }
const BOB = { id: 'guest:bob', name: 'bob' }

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
})
