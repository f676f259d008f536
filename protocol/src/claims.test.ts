import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readClaims } from './claims.ts'

const HEADER = { alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' }
const OF_ACCOUNT = {
  ...{ iss: 'flotilla', aud: 'chat', sub: 'user:aX_-9', name: 'Ann', sid: 's1', jti: 'j1' },
  ...{ iat: 1_795_000_000.25, exp: 1_795_000_900 },
}
const { sid: _, ...sessionless } = OF_ACCOUNT
const OF_GUEST = { ...sessionless, sub: 'guest:Ann' }

test('an account’s and a guest’s token say whose they are, and from when until when', () => {
  const times = { issuedAt: 1_795_000_000_250, expiresAt: 1_795_000_900_000 }
  const ofAccount = { user: { id: 'user:aX_-9', name: 'Ann' }, session: 's1', ...times }
  assert.deepEqual(readClaims(HEADER, OF_ACCOUNT), ofAccount)
  const ofGuest = { user: { id: 'guest:Ann', name: 'Ann' }, session: undefined, ...times }
  assert.deepEqual(readClaims(HEADER, OF_GUEST), ofGuest)
})

test('claims of another form than we give them are nobody’s, whoever signed them', () => {
  const wrong: Record<string, unknown[]> = {
    iss: [undefined, null, '', 'Flotilla', ['flotilla']],
    aud: [undefined, null, '', 'link', ['chat']],
    sub: [undefined, null, '', 1, {}, [], true, 'user:', 'user:a b', 'user:../x', 'admin:1', 'guest:Bob'],
    name: [undefined, null, '', 1, ' Ann', 'a:b', 'A\u0301nn', 'x'.repeat(33)],
    sid: [undefined, null, '', 1, {}, ['s1'], 's'.repeat(129)],
    jti: [undefined, null, '', 1, {}, 'j'.repeat(129)],
    iat: [undefined, null, '1795000000', -1, NaN, Infinity, []],
    exp: [undefined, null, '1795000900', -1, 1.5, NaN, Infinity, []],
  }
  for (const [claim, values] of Object.entries(wrong)) {
    for (const value of values)
      assert.equal(
        readClaims(HEADER, { ...OF_ACCOUNT, [claim]: value }),
        undefined,
        `${claim} ${JSON.stringify(value)}`,
      )
  }
  for (const change of [{ sub: 'guest:' }, { sub: 'guest:Bob' }, { sub: 'user:1' }, { sid: 's1' }])
    assert.equal(readClaims(HEADER, { ...OF_GUEST, ...change }), undefined, JSON.stringify(change))
  for (const payload of [undefined, null, 'text', [], [OF_ACCOUNT]])
    assert.equal(readClaims(HEADER, payload), undefined)
})

test('a header without the kind or the key of the token is none', () => {
  for (const change of [{ typ: 'JWT' }, { typ: undefined }, { kid: undefined }, { kid: '' }, { kid: 1 }])
    assert.equal(readClaims({ ...HEADER, ...change }, OF_ACCOUNT), undefined, JSON.stringify(change))
})
