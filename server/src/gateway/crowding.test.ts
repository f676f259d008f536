import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Client } from '../test/client.ts'
import { Fleet } from '../test/kit.ts'
import { until } from '../test/until.ts'

const CROWD = 120

/** Whom a client knows to be there; what it was told twice or of nobody is a fault. */
function knownTo(client: Client, room: string): Set<string> {
  const known = new Set<string>()
  for (const frame of client.frames) {
    if (frame.type === 'joined' && frame.room === room) for (const { id } of frame.members) known.add(id)
    if (frame.type !== 'presence' || frame.room !== room) continue
    for (const { id } of frame.join) {
      assert.ok(!known.has(id), `${id} came twice`)
      known.add(id)
    }
    for (const { id } of frame.leave) assert.ok(known.delete(id), `${id} went, and was not there`)
  }
  return known
}

describe('a crowd that comes to a room', () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.start({ servers: 2 })
  })
  after(() => fleet.close())

  test('[P1] [P6] is told to those who are there in a few frames, and everybody knows everybody in the end', async () => {
    const room = await fleet.room(0)
    const first = await fleet.member(room, 0)
    const startedAt = performance.now()
    const crowd = await Promise.all(Array.from({ length: CROWD }, (_, i) => fleet.member(room, i % 2)))
    const all = [first, ...crowd]
    await until('everybody knows everybody', () =>
      all.every((client) => knownTo(client, room).size === CROWD + 1),
    )
    const told = first.of('presence').length
    // Ten as they come, then one a second, and one a second of those gathered meanwhile.
    const most = 12 + (2 * (performance.now() - startedAt)) / 1_000
    assert.ok(told <= most, `${told} frames for ${CROWD} people`)
    for (const client of crowd.slice(0, 60)) client.terminate()
    await until('half of them are gone', () => knownTo(first, room).size === CROWD + 1 - 60)
    assert.equal(first.of('presence').at(-1)?.count, CROWD + 1 - 60)
  })
})
