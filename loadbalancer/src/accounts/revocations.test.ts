import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REVOKED_MS, Revocations } from './revocations.ts'

const NOW = 1_000
const claims = (session: string, issuedAt = NOW) => ({
  user: { id: 'user:ann', name: 'ann' },
  session,
  issuedAt,
})
const ann = (issuedBefore: number) => ({
  users: [{ id: 'user:ann', issuedBefore, code: 4401 as const }],
})

test('tokens of an ended session are no good, those of others are', () => {
  const revocations = new Revocations({}, NOW)
  revocations.add({ sessions: ['s1'] }, NOW)
  assert.ok(revocations.isRevoked(claims('s1')))
  assert.ok(!revocations.isRevoked(claims('s2')))
})

test('tokens of a user that were issued before are no good, and the next one is issued after that', () => {
  const revocations = new Revocations(ann(NOW + 1), NOW)
  assert.ok(revocations.isRevoked(claims('s1', NOW)))
  const from = revocations.goodFrom('user:ann', NOW)
  assert.ok(!revocations.isRevoked(claims('s1', from)))
  // What a token says is in seconds; the figure must not fall below on the way there and back.
  for (let at = NOW; at < NOW + 2_000; at += 1) {
    const other = new Revocations(ann(at), NOW)
    assert.ok(!other.isRevoked(claims('s1', (other.goodFrom('user:ann', NOW) / 1_000) * 1_000)))
  }
  assert.equal(revocations.goodFrom('user:bob', NOW), NOW)
  revocations.add(ann(NOW - 5), NOW)
  assert.ok(revocations.isRevoked(claims('s1', NOW)), 'an older one takes nothing back')
})

test('who knows some of it is told the rest, and listeners hear of each addition', () => {
  const revocations = new Revocations({ sessions: ['old'] }, NOW)
  let heard = 0
  revocations.onAdded(() => (heard += 1))
  const known = revocations.version
  revocations.add({ sessions: ['s1', 's2'] }, NOW)
  revocations.add({}, NOW)
  revocations.add(ann(9), NOW)
  assert.equal(heard, 2)
  assert.deepEqual(revocations.since(known, NOW), {
    version: revocations.version,
    revoke: { sessions: ['s1', 's2'], ...ann(9) },
  })
  const first = revocations.since(known, NOW, 1)
  assert.deepEqual(first, { version: known + 1, revoke: { sessions: ['s1', 's2'], users: [] } })
  assert.deepEqual(revocations.since(first.version, NOW, 1).revoke, { sessions: [], ...ann(9) })
  assert.deepEqual(revocations.since(0, NOW).revoke.sessions, ['old', 's1', 's2'])
  assert.deepEqual(revocations.since(revocations.version, NOW).revoke, { sessions: [], users: [] })
})

test('what no living token can be hit by is forgotten', () => {
  const revocations = new Revocations({ sessions: ['s1'], ...ann(NOW) }, NOW)
  revocations.add(ann(NOW + 5), NOW + 5)
  assert.deepEqual(revocations.since(0, NOW + REVOKED_MS).revoke, { sessions: [], ...ann(NOW + 5) })
  assert.ok(!revocations.isRevoked(claims('s1', NOW + 9)))
  assert.ok(revocations.isRevoked(claims('s2', NOW + 4)))
  assert.deepEqual(revocations.since(0, NOW + 5 + REVOKED_MS).revoke, { sessions: [], users: [] })
  assert.ok(!revocations.isRevoked(claims('s2', NOW + 4)))
})
