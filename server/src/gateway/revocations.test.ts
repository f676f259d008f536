import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { Revocations } from './revocations.ts'

const NOW = 1_795_000_000_000

describe('tokens that are good no more', () => {
  test('are those of a session, whoever it is of, and no other session’s', () => {
    const revocations = new Revocations()
    revocations.add({ sessions: ['s1'] }, NOW)
    assert.equal(revocations.against('user:1', { sid: 's1', issuedAt: NOW }), 4401)
    assert.equal(revocations.against('user:1', { sid: 's2', issuedAt: NOW }), undefined)
    assert.equal(revocations.against('user:1', { issuedAt: NOW }), undefined)
  })

  test('are those of a user that were issued before, and not what he got since', () => {
    const revocations = new Revocations()
    revocations.add({ users: [{ id: 'user:1', issuedBefore: NOW, code: 4403 }] }, NOW)
    assert.equal(revocations.against('user:1', { sid: 's', issuedAt: NOW - 1 }), 4403)
    assert.equal(revocations.against('user:1', { sid: 's', issuedAt: NOW }), undefined)
    assert.equal(revocations.against('user:2', { sid: 's', issuedAt: NOW - 1 }), undefined)
    assert.equal(revocations.against('user:1', {}), undefined, 'who came by name has no token')
  })

  test('stay so when they are told again, later ones of a user too, earlier ones change nothing', () => {
    const revocations = new Revocations()
    const of = (issuedBefore: number, code: 4401 | 4403) => ({ users: [{ id: 'u', issuedBefore, code }] })
    revocations.add(of(NOW, 4401), NOW)
    revocations.add(of(NOW - 5, 4403), NOW)
    assert.equal(revocations.against('u', { issuedAt: NOW - 1 }), 4401)
    revocations.add(of(NOW + 5, 4403), NOW)
    assert.equal(revocations.against('u', { issuedAt: NOW + 4 }), 4403)
  })

  test('are remembered for as long as a token can live, and then forgotten', () => {
    const revocations = new Revocations()
    const bearing = { sid: 's', issuedAt: NOW - 1 }
    revocations.add({ sessions: ['s'], users: [{ id: 'u', issuedBefore: NOW, code: 4401 }] }, NOW)
    revocations.add({}, NOW + LIMITS.accessTokenMs)
    assert.equal(revocations.against('x', bearing), 4401)
    assert.equal(revocations.against('u', { issuedAt: NOW - 1 }), 4401)
    revocations.add({}, NOW + 2 * LIMITS.accessTokenMs)
    assert.equal(revocations.against('x', bearing), undefined)
    assert.equal(revocations.against('u', { issuedAt: NOW - 1 }), undefined)
  })
})
