import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Revoke } from '@flotilla/protocol/control.ts'
import { importJWK, SignJWT, type JWK } from 'jose'
import { Client, knock } from '../test/client.ts'
import { Fleet } from '../test/kit.ts'

describe('tokens that are revoked', () => {
  let fleet: Fleet
  let http: string
  before(async () => {
    fleet = await Fleet.start()
    http = (fleet.servers[0]?.url ?? '').replace(/^ws/, 'http').replace(/\/ws$/, '')
  })
  after(() => fleet.close())

  /** As the balancer makes them for an account. */
  const tokenFor = async (name: string, sid: string, ageMs = 0) => {
    const file = readFileSync(join(fleet.root, 'loadbalancer', 'keys.json'), 'utf8')
    const [jwk] = (JSON.parse(file) as { keys: [JWK & { kid: string }] }).keys
    const issuedAt = (Date.now() - ageMs) / 1_000
    return new SignJWT({ name, sid })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: jwk.kid })
      .setIssuer('flotilla')
      .setAudience('chat')
      .setSubject(`user:${name}`)
      .setJti(sid)
      .setIssuedAt(issuedAt)
      .setExpirationTime(Math.floor(issuedAt) + 900)
      .sign(await importJWK(jwk, 'EdDSA'))
  }
  const post = (path: string, body: unknown, authorization = `Bearer ${fleet.balancer.fleetSecret}`) =>
    fetch(`${http}/internal/${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const revoke = async (revoked: Revoke) => assert.equal((await post('revoke', revoked)).status, 200)
  const statusOf = async (token: string) => {
    const answer = await knock(fleet.servers[0]?.url ?? '', { token })
    if (answer instanceof Client) return answer.terminate()
    return answer.status
  }

  test('[L1] close the connections of their session with 4401, and open none; other sessions of the same person stay', async () => {
    const [lost, kept] = [await tokenFor('ann', 'lost'), await tokenFor('ann', 'kept')]
    const [phone, tab, desk] = [
      await fleet.client(0, { token: lost }),
      await fleet.client(0, { token: lost }),
      await fleet.client(0, { token: kept }),
    ]
    await revoke({ sessions: ['lost'] })
    assert.deepEqual([await phone.close(), await tab.close()], [4401, 4401])
    assert.equal(await statusOf(lost), 401)
    assert.equal(await statusOf(kept), undefined)
    await desk.settled()
  })

  test('[L1] of a person close with the code that was ordered, whatever the session; a token issued since opens', async () => {
    const before = await tokenFor('ben', 'b1', 2_000)
    const client = await fleet.client(0, { token: before })
    const guest = await fleet.client(0, 'ben')
    await revoke({ users: [{ id: 'user:ben', issuedBefore: Date.now(), code: 4403 }] })
    assert.equal(await client.close(), 4403)
    assert.equal(await statusOf(before), 401)
    assert.equal(await statusOf(await tokenFor('ben', 'b2')), undefined)
    await guest.settled()
  })

  test('nothing more of a room goes to a connection that is closed, though it never answers the close', async () => {
    const room = await fleet.room()
    const deaf = await fleet.client(0, { token: await tokenFor('cat', 'c1') })
    await deaf.join(room)
    const other = await fleet.member(room, 0, 'other')
    const { _socket: line } = deaf.socket as unknown as { _socket: NodeJS.ReadableStream }
    line.pause()
    await revoke({ sessions: ['c1'] })
    const { seq } = await other.send(room, 'since', 'x')
    await other.until('she is gone', () =>
      other.of('presence').some(({ leave }) => leave.some(({ id }) => id === 'user:cat')),
    )
    line.resume()
    await deaf.close()
    assert.ok(!deaf.seqs(room).includes(seq))
  })

  test('are told by the fleet alone, in words it knows', async () => {
    const client = await fleet.client(0, { token: await tokenFor('dan', 'd1') })
    const order = { sessions: ['d1'] }
    for (const wrong of ['', 'Bearer wrong', `Basic ${fleet.balancer.fleetSecret}`]) {
      const answer = await post('revoke', order, wrong)
      assert.deepEqual(
        [answer.status, answer.headers.get('content-type'), ((await answer.json()) as { code: string }).code],
        [401, 'application/problem+json', 'no_fleet_secret'],
      )
    }
    for (const body of ['{', '[]', 'null', { sessions: 'd1' }, { users: [{ id: 'user:dan' }] }]) {
      assert.equal((await post('revoke', body)).status, 400, JSON.stringify(body))
    }
    assert.equal((await post('revoke', 'x'.repeat(1024 * 1024 + 1))).status, 413)
    assert.equal((await post('nothing', order)).status, 404)
    assert.equal(
      (
        await fetch(`${http}/internal/revoke`, {
          headers: { authorization: `Bearer ${fleet.balancer.fleetSecret}` },
        })
      ).status,
      405,
    )
    await client.settled()
  })
})
