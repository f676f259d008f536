import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import { importJWK, SignJWT, type JWK } from 'jose'
import { Fleet } from '../test/kit.ts'
import { until } from '../test/until.ts'
import { WarpClock } from '../test/warp-clock.ts'

describe('a session of a token that ends', () => {
  let fleet: Fleet
  const clock = new WarpClock()
  before(async () => (fleet = await Fleet.start({ clock })))
  after(() => fleet.close())

  /** As the balancer would make it, for so many seconds. */
  const tokenFor = async (name: string, seconds: number) => {
    const file = readFileSync(join(fleet.root, 'loadbalancer', 'keys.json'), 'utf8')
    const [jwk] = (JSON.parse(file) as { keys: [JWK & { kid: string }] }).keys
    return new SignJWT({ name })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: jwk.kid })
      .setIssuer('flotilla')
      .setAudience('chat')
      .setSubject(`guest:${name}`)
      .setJti(name)
      .setIssuedAt(Math.floor(clock.now() / 1_000))
      .setExpirationTime(Math.floor(clock.now() / 1_000) + seconds)
      .sign(await importJWK(jwk, 'EdDSA'))
  }

  test('[L1] is closed with 4401 at the first heartbeat after that, and not before; others stay', async () => {
    clock.hold()
    const short = await fleet.client(0, { token: await tokenFor('short', 40) })
    const long = await fleet.client(0, { token: await tokenFor('long', 1_800) })
    const guest = await fleet.client(0, 'guest')
    await clock.pass(35_000)
    assert.equal(short.closed, undefined)
    await clock.pass(15_000)
    assert.equal(await short.close(), 4401)
    await long.settled()
    await guest.settled()
    clock.release()
  })

  test('[L1] [R2] a client of the library comes back with a fresh token, and misses nothing', async (t) => {
    let given = 0
    const client = new ChatClient({
      loadbalancers: [fleet.balancer.url],
      identity: { token: () => tokenFor('ann', (given += 1) === 1 ? 30 : 1_800) },
    })
    t.after(() => client.close())
    client.start()
    const room = client.room('general')
    const seqs: number[] = []
    room.listen({ entries: (entries) => seqs.push(...entries.map(({ seq }) => seq)) })
    await until('she is in', () => room.state.status === 'live')
    const other = await fleet.member('general')
    const { seq } = await other.send('general', 'before', 'x')
    await clock.pass(45_000)
    await until('she is back', () => given === 2 && client.connection.status === 'live')
    await other.send('general', 'after', 'x')
    await until('she has both', () => seqs.includes(seq + 1))
    assert.deepEqual(seqs, [seq, seq + 1])
  })
})
