import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { MAX_FOLLOWED, roomsToLeave } from './rooms-to-leave.ts'

const rooms = (count: number, unsaid: (index: number) => boolean) =>
  Array.from({ length: count }, (_, index) => ({ id: `r${index}`, hasUnsaid: unsaid(index) }))

describe('which rooms are left', () => {
  test('none while there are few; then those not looked at for longest', () => {
    assert.deepEqual(roomsToLeave(rooms(1, () => false)), [])
    assert.deepEqual(roomsToLeave(rooms(MAX_FOLLOWED, () => false)), [])
    assert.deepEqual(roomsToLeave(rooms(MAX_FOLLOWED + 2, () => false)), ['r0', 'r1'])
  })

  test('not one in which something is still to be said; others go in its place, but never the one shown', () => {
    assert.deepEqual(roomsToLeave(rooms(MAX_FOLLOWED + 2, (index) => index === 0 || index === 2)), [
      'r1',
      'r3',
    ])
    assert.deepEqual(roomsToLeave(rooms(MAX_FOLLOWED + 2, (index) => index <= MAX_FOLLOWED)), [])
  })

  test('however much is still to be said, no more than a server lets one be in', () => {
    assert.deepEqual(roomsToLeave(rooms(LIMITS.joinedRooms + 3, () => true)), ['r0', 'r1', 'r2'])
  })
})
