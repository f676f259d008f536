import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
  type JWK,
} from 'jose'
import { AUDIENCE, ISSUER } from '@flotilla/protocol/claims.ts'
import { freshFolder } from '../../test/fleet.ts'
import { KeyRing } from './keys.ts'
import { TOKEN_MS, Tokens } from './tokens.ts'

const NOW = 1_795_000_000_000
const ANN = { id: 'guest:ann', name: 'ann' }

const openTokens = async (file: string) => new Tokens(await KeyRing.open(file, NOW, TOKEN_MS))

async function open(t: TestContext): Promise<{ tokens: Tokens; file: string }> {
  const file = join(freshFolder(t), 'keys.json')
  return { tokens: await openTokens(file), file }
}

describe('tokens', () => {
  test('one that was issued says whose it is until it expires, and not after', async (t) => {
    const { tokens } = await open(t)
    const { token, expiresAt } = await tokens.issue(ANN, NOW)
    assert.equal(expiresAt, NOW + TOKEN_MS)
    assert.deepEqual((await tokens.verify(token, NOW))?.user, ANN)
    assert.deepEqual((await tokens.verify(token, expiresAt - 1))?.user, ANN)
    assert.equal(await tokens.verify(token, expiresAt), undefined)
  })

  test('anyone can check one by the published keys, which hold nothing private', async (t) => {
    const { tokens } = await open(t)
    const { token } = await tokens.issue(ANN, NOW)
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(tokens.publicKeys), {
      algorithms: ['EdDSA'],
      currentDate: new Date(NOW),
    })
    const { iss, aud, sub, name, jti } = payload
    assert.deepEqual({ iss, aud, sub, name }, { iss: 'flotilla', aud: 'chat', sub: 'guest:ann', name: 'ann' })
    assert.equal(protectedHeader.typ, 'at+jwt')
    assert.ok(jti)
    assert.deepEqual(
      tokens.publicKeys.keys.map((key) => Object.keys(key).sort()),
      [['alg', 'crv', 'kid', 'kty', 'use', 'x']],
    )
  })

  test('each token has its own id', async (t) => {
    const { tokens } = await open(t)
    assert.notEqual((await tokens.issue(ANN, NOW)).token, (await tokens.issue(ANN, NOW)).token)
  })

  test('the keys are kept: a later run takes the tokens of an earlier one', async (t) => {
    const { tokens, file } = await open(t)
    const { token } = await tokens.issue(ANN, NOW)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.deepEqual((await (await openTokens(file)).verify(token, NOW))?.user, ANN)
  })

  test('a file without keys is not silently replaced', async (t) => {
    const file = join(freshFolder(t), 'keys.json')
    for (const text of ['', '{"keys":[]}', 'nonsense']) {
      writeFileSync(file, text)
      await assert.rejects(openTokens(file))
      assert.equal(readFileSync(file, 'utf8'), text)
    }
  })

  test('a token of another fleet, and one that was tampered with, are nobody’s', async (t) => {
    const { tokens } = await open(t)
    const { tokens: others } = await open(t)
    const { token } = await tokens.issue(ANN, NOW)
    assert.equal(await others.verify(token, NOW), undefined)
    const [header, , signature] = token.split('.')
    const forged = Buffer.from(
      JSON.stringify({ iss: ISSUER, aud: AUDIENCE, sub: 'user:1', name: 'root', jti: 'x', exp: NOW }),
    )
    for (const bad of [
      `${header}.${forged.toString('base64url')}.${signature}`,
      `${token}x`,
      token.slice(0, -10),
      `${token}.${signature}`,
      '',
      'a.b.c',
      'x'.repeat(100_000),
    ])
      assert.equal(await tokens.verify(bad, NOW), undefined)
  })

  test('every claim and header counts, even under our own signature', async (t) => {
    const { tokens, file } = await open(t)
    const [jwk] = (JSON.parse(readFileSync(file, 'utf8')) as { keys: JWK[] }).keys
    const key = await importJWK(jwk as JWK, 'EdDSA')
    const kid = decodeProtectedHeader((await tokens.issue(ANN, NOW)).token).kid as string
    const claims = {
      iss: ISSUER,
      aud: AUDIENCE,
      sub: ANN.id,
      name: ANN.name,
      jti: 'j',
      iat: NOW / 1_000,
      exp: NOW / 1_000 + 60,
    }
    const sign = (change: Record<string, unknown>, header: Record<string, unknown> = {}) =>
      new SignJWT({ ...claims, ...change })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header })
        .sign(key)
    assert.deepEqual((await tokens.verify(await sign({}), NOW))?.user, ANN, 'the unchanged one is good')
    for (const name of Object.keys(claims))
      assert.equal(await tokens.verify(await sign({ [name]: undefined }), NOW), undefined, `without ${name}`)
    for (const change of [
      { iss: 'other' },
      { aud: 'link' },
      { nbf: NOW / 1_000 + 5 },
      { exp: NOW / 1_000 - 1 },
      { sid: 's' }, // a guest has no session
      { sub: 'user:1' }, // and an account always has one
      { sid: 5, sub: 'user:1' },
    ])
      assert.equal(await tokens.verify(await sign(change), NOW), undefined, JSON.stringify(change))
    for (const header of [{ typ: 'JWT' }, { typ: undefined }, { kid: 'other' }, { kid: undefined }])
      assert.equal(await tokens.verify(await sign({}, header), NOW), undefined, JSON.stringify(header))
  })

  test('no other algorithm is taken: not none, not a MAC with the public key, not a key sent along', async (t) => {
    const { tokens } = await open(t)
    const { kid, x } = tokens.publicKeys.keys[0] as JWK
    const claims = {
      iss: ISSUER,
      aud: AUDIENCE,
      sub: ANN.id,
      name: ANN.name,
      jti: 'j',
      iat: NOW / 1_000,
      exp: NOW / 1_000 + 60,
    }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const none = `${part({ alg: 'none', typ: 'at+jwt', kid: kid as string })}.${part(claims)}.`
    const header = { typ: 'at+jwt', kid: kid as string }
    const mac = await new SignJWT(claims)
      .setProtectedHeader({ ...header, alg: 'HS256' })
      .sign(Buffer.from(x as string, 'base64url'))
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
    const ownKey = await new SignJWT(claims)
      .setProtectedHeader({ ...header, alg: 'EdDSA', jwk: tokens.publicKeys.keys[0] as JWK })
      .sign(privateKey)
    for (const bad of [none, mac, ownKey]) assert.equal(await tokens.verify(bad, NOW), undefined)
  })
})
