import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Assignments } from './assignments.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

const EXPIRY_MS = 2_000

test('what arrives is done with, the oldest first; the rest goes on counting', () => {
  const sent = new Assignments(EXPIRY_MS)
  sent.add(0)
  sent.add(0)
  sent.add(1_000)
  sent.arrived(2)
  assert.equal(sent.count(1_000), 1)
  assert.equal(sent.count(2_500), 1, 'the younger one is left')
})

test('what does not arrive expires, neither before its time nor much after', () => {
  const sent = new Assignments(EXPIRY_MS)
  sent.add(99)
  assert.equal(sent.count(99 + EXPIRY_MS), 1)
  assert.equal(sent.count(99 + EXPIRY_MS + 100), 0)
})

test('a report that fell, or grew by more than was sent, leaves nothing negative', () => {
  const sent = new Assignments(EXPIRY_MS)
  sent.add(0)
  sent.arrived(-5)
  assert.equal(sent.count(0), 1)
  sent.arrived(7)
  assert.equal(sent.count(0), 0)
  sent.add(0)
  assert.equal(sent.count(0), 1)
})

test('as clients arrive, reported and assigned together stay what they were', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { maxLength: 30 }), (steps) => {
      const sent = new Assignments(EXPIRY_MS)
      let reported = 0
      let total = 0
      for (const [toSend, toArrive] of steps) {
        for (let at = 0; at < toSend; at += 1) sent.add(0)
        total += toSend
        const arriving = Math.min(toArrive, total - reported)
        reported += arriving
        sent.arrived(arriving)
        assert.equal(reported + sent.count(0), total)
      }
    }),
  )
})
