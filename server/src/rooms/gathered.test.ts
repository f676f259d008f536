import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GatheredPresence, PresenceSum } from './gathered.ts'
import type { MembersDifference } from './members-view.ts'

const [ADA, BOB, CY] = ['ada', 'bob', 'cy'].map((name) => ({ id: `guest:${name}`, name })) as [
  User,
  User,
  User,
]
type User = MembersDifference['join'][number]

const came = (count: number, ...join: User[]): MembersDifference => ({ join, leave: [], count })
const went = (count: number, ...leave: User[]): MembersDifference => ({ join: [], leave, count })

describe('presence that is told later', () => {
  test('[P1] who came and went, and who went and came back, did neither', () => {
    const sum = new PresenceSum()
    for (const change of [came(3, ADA), went(2, BOB), went(1, ADA), came(2, BOB, CY)]) sum.add(change)
    assert.deepEqual(sum.change, came(2, CY))
  })

  test('[P3] once they were too many to name, only what came after that is named', () => {
    const sum = new PresenceSum()
    for (const change of [came(200, ADA), came(201), came(200, ADA, BOB)]) sum.add(change)
    assert.deepEqual(sum.change, came(200, ADA, BOB))
  })

  test('[P1] each is told what happened since he came, and those who came at once the very same', () => {
    const gathered = new GatheredPresence()
    for (const change of [came(1, ADA), came(2, BOB), went(1, ADA), came(2, CY)]) gathered.push(change)
    assert.deepEqual(gathered.after(0), came(2, BOB, CY))
    assert.equal(gathered.after(0), gathered.after(0))
    assert.deepEqual(gathered.after(1), { join: [BOB, CY], leave: [ADA], count: 2 })
    assert.deepEqual(gathered.after(3), came(2, CY))
    assert.equal(gathered.after(4), undefined)
  })

  test('[P3] above 200 everybody is told the same count', () => {
    const gathered = new GatheredPresence()
    for (const change of [came(200, ADA), came(201), came(202)]) gathered.push(change)
    assert.deepEqual(gathered.after(0), came(202))
    assert.equal(gathered.after(2), gathered.after(0))
    assert.equal(gathered.after(3), undefined)
  })
})
