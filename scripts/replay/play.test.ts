import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dueTimes } from './play.ts'

test('lines are due by their minute, spread evenly within it, as much faster as asked', () => {
  const lines = [600, 600, 600, 602].map((minute, i) => ({ line: i, nick: 'a', text: 'x', minute }))
  assert.deepEqual(dueTimes(lines, 1), [0, 20_000, 40_000, 120_000])
  assert.deepEqual(dueTimes(lines, 1_000), [0, 20, 40, 120])
})
