import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JoinedRooms, type RoomMember } from './joined-rooms.ts'

test('the rooms of a session are kept as a map would keep them', () => {
  const step = fc.tuple(fc.constantFrom('set', 'delete', 'clear', 'set'), fc.constantFrom('a', 'b', 'c', 'd'))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const joined = new JoinedRooms()
      const model = new Map<string, RoomMember>()
      for (const [what, id] of steps) {
        const member = { typedAt: 0 } as RoomMember
        if (what === 'set') {
          joined.set(id, member)
          model.set(id, member)
        } else if (what === 'delete') {
          joined.delete(id)
          model.delete(id)
        } else {
          joined.clear()
          model.clear()
        }
        assert.equal(joined.size, model.size)
        assert.deepEqual(new Set(joined), new Set(model.values()))
        for (const each of 'abcd') {
          assert.equal(joined.get(each), model.get(each))
          assert.equal(joined.has(each), model.has(each))
        }
      }
    }),
  )
})
