import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTwoServers } from '../test/two-servers.ts'

describe('an edge that asks to follow a room', () => {
  for (const isGone of [false, true]) {
    const outcome = isGone
      ? 'does not, if it is gone before the room is open'
      : 'does so once the room is open'
    test(outcome, async () => {
      const { world, network, clock, a, b } = openTwoServers()
      const isFollowed = () => a.open('r').home?.hasEdges
      world.isAsking = true
      b.open('r')
      await clock.pass(100)
      assert.equal(isFollowed(), undefined) // b has asked to follow, and a asks the directory
      if (isGone) network.leave('b')
      world.isAsking = false
      for (const answer of world.asked) answer()
      await clock.pass(10)
      assert.equal(isFollowed(), !isGone)
    })
  }
})
