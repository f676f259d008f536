import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { importJWK, SignJWT, type JWK } from 'jose'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { Client, knock, type Door, type Refusal } from '../test/client.ts'
import { Fleet } from '../test/kit.ts'
import { RawSocket } from '../test/raw-socket.ts'
import { until } from '../test/until.ts'

describe('the doors', () => {
  let fleet: Fleet
  let url: string
  before(async () => {
    fleet = await Fleet.start({ servers: 2 })
    url = fleet.servers[0]?.url ?? ''
  })
  after(() => fleet.close())

  const refused = async (door: Door, at = url): Promise<Refusal> => {
    const answer = await knock(at, door)
    if (!(answer instanceof Client)) return answer
    answer.terminate()
    return assert.fail(`let in: ${JSON.stringify(door)}`)
  }

  test('[C1] [C3] [C5] a guest comes in by name and is welcome', async () => {
    const client = await fleet.client(0, 'Ada Lovelace')
    const welcome = await client.frame('welcome')
    const [server, other] = fleet.servers
    assert.equal(client.frames[0], welcome)
    assert.deepEqual(
      { ...welcome, session: '', alternatives: [] },
      {
        type: 'welcome',
        server: server?.id,
        session: '',
        user: { id: 'guest:Ada Lovelace', name: 'Ada Lovelace' },
        heartbeatMs: LIMITS.heartbeatMs,
        limits: {
          textChars: 4_000,
          frameBytes: 65_536,
          historyEntries: 200,
          unackedSends: 64,
          rate: 0,
          rateMs: 10_000,
        },
        alternatives: [],
      },
    )
    await until('the other server among the alternatives', async () => {
      const again = await fleet.client(0)
      return again.of('welcome')[0]?.alternatives.join() === other?.url
    })
  })

  test('[C5] `session` is new each time', async () => {
    const sessions = await Promise.all(
      [1, 2, 3].map(async () => (await fleet.client(0, 'same')).of('welcome')[0]?.session),
    )
    assert.equal(new Set(sessions).size, 3)
  })

  test('[C1] [C3] a token of the balancer opens, in the query and as a subprotocol, which is answered chat.v1', async () => {
    const { token, user } = await fleet.login('Grace')
    const query = await fleet.client(0, { token })
    assert.deepEqual(query.of('welcome')[0]?.user, user)
    const protocol = await fleet.client(1, { protocols: ['chat.v1', `bearer.${token}`] })
    assert.deepEqual(protocol.of('welcome')[0]?.user, user)
    assert.equal(protocol.socket.protocol, 'chat.v1')
    assert.equal(query.socket.protocol, '')
  })

  test('[C2] no door, and none of the known ones, is 401', async () => {
    for (const door of [{}, { protocols: ['chat.v1'] }]) {
      const { status, code, connection } = await refused(door)
      assert.deepEqual([status, code, connection], [401, 'unauthenticated', 'close'])
    }
  })

  test('[C2] [L1] a token that is tampered, of another make, for another audience, or expired is 401', async () => {
    const { token } = await fleet.login('Grace')
    const [header = '', payload = '', signature = ''] = token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const file = readFileSync(join(fleet.root, 'loadbalancer', 'keys.json'), 'utf8')
    const [jwk] = (JSON.parse(file) as { keys: JWK[] }).keys
    const key = await importJWK(jwk as JWK, 'EdDSA')
    const head = { alg: 'EdDSA', typ: 'at+jwt', kid: jwk?.kid ?? '' }
    const sign = (more: object, header: object = {}) =>
      new SignJWT({ ...claims, ...more }).setProtectedHeader({ ...head, ...header }).sign(key)
    const past = Math.floor(Date.now() / 1_000) - 60
    const { exp: _, ...endless } = claims
    const { name: __, ...nameless } = claims
    const { iat: ___, ...ageless } = claims
    const hmacHead = encode({ ...head, alg: 'HS256' })
    const hmac = createHmac('sha256', jwk?.x ?? '')
      .update(`${hmacHead}.${payload}`)
      .digest('base64url')
    const wrong = {
      garbage: 'abc',
      'another payload': `${header}.${encode({ ...claims, sub: 'user:1' })}.${signature}`,
      'no signature': `${header}.${payload}.`,
      'alg none': `${encode({ ...head, alg: 'none' })}.${payload}.`,
      'the public key as a secret': `${hmacHead}.${payload}.${hmac}`,
      'another audience': await sign({ aud: 'admin' }),
      'another issuer': await sign({ iss: 'elsewhere' }),
      'another type': await sign({}, { typ: 'JWT' }),
      'an unknown key': await sign({}, { kid: 'unknown' }),
      expired: await sign({ exp: past }),
      'not yet valid': await sign({ nbf: past + 3_600 }),
      'without end': await new SignJWT(endless).setProtectedHeader(head).sign(key),
      'without age': await new SignJWT(ageless).setProtectedHeader(head).sign(key),
      'good for longer than any': await sign({ exp: past + 3_600 }),
      huge: await sign({ more: 'x'.repeat(4_096) }),
      'without name': await new SignJWT(nameless).setProtectedHeader(head).sign(key),
      'a name nobody may have': await sign({ name: 'a:b' }),
    }
    assert.ok((await knock(url, { token: await sign({}) })) instanceof Client)
    for (const [what, token] of Object.entries(wrong)) {
      for (const door of [{ token }, { protocols: ['chat.v1', `bearer.${token}`] }]) {
        // What is no token in a subprotocol's letters cannot be sent there at all.
        if ('protocols' in door && token.endsWith('=')) continue
        assert.equal((await refused(door)).status, 401, what)
      }
    }
    assert.equal((await refused({ token: '', username: 'ada' })).status, 401)
  })

  test('[C2] [C4] a name that cannot be used is 403', async () => {
    const names = [
      '',
      ' ada',
      'ada ',
      'user:1',
      'a\nb',
      'a\u202eb',
      'a\u200bb',
      '\u0007',
      'x'.repeat(33),
      '\u2028',
    ]
    for (const username of names) {
      const { status, code } = await refused({ username })
      assert.deepEqual([status, code], [403, 'bad_name'], JSON.stringify(username))
    }
  })

  test('[C4] names are kept in form C; 32 characters, emoji and what IRC allows are fine', async () => {
    const composed = await fleet.client(0, 'Ame\u0301lie')
    assert.deepEqual(composed.of('welcome')[0]?.user, { id: 'guest:Am\u00e9lie', name: 'Am\u00e9lie' })
    for (const name of ['💬'.repeat(32), '[away]_{x}\\^`|', 'x']) {
      assert.equal((await fleet.client(0, name)).of('welcome')[0]?.user.name, name)
    }
  })

  test('[C4] guests whose names differ only in case are two people, in a room and in what they send', async () => {
    const room = await fleet.room()
    const [small, large] = [await fleet.client(0, 'ann'), await fleet.client(0, 'Ann')]
    await small.join(room)
    const { members, count } = await large.join(room)
    assert.deepEqual([count, members.map(({ id }) => id).sort()], [2, ['guest:Ann', 'guest:ann']])
    await small.send(room, 'mine', 'of ann')
    assert.equal((await large.send(room, 'mine', 'of Ann')).seq, 2) // the same id, and no conflict
  })

  test('[C2] a foreign origin is 403, and so is `null`; those allowed and none at all are let in', async () => {
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost:5173.evil.example',
      'https://localhost:5173',
    ]) {
      const { status, code } = await refused({ username: 'ada', origin })
      assert.deepEqual([status, code], [403, 'foreign_origin'], origin)
    }
    assert.ok((await knock(url, { username: 'ada', origin: 'http://localhost:5173' })) instanceof Client)
    assert.ok((await knock(url, { username: 'ada' })) instanceof Client)
  })

  test('[C2] where guests are off a name is 403, and a token still opens', async () => {
    const server = await fleet.open({ flags: ['--guests', 'off'] })
    const { status, code } = await refused({ username: 'ada' }, server.url)
    assert.deepEqual([status, code], [403, 'guests_off'])
    const { token } = await fleet.login('ada')
    assert.ok((await knock(server.url, { token })) instanceof Client)
    await fleet.stop(server)
  })

  test('[C2] a full server is 503 with Retry-After, and takes the next one when somebody left', async () => {
    const server = await fleet.open({ flags: ['--capacity', '2'] })
    const [one] = [await fleet.client(server), await fleet.client(server)]
    const { status, code, retryAfter } = await refused({ username: 'third' }, server.url)
    assert.deepEqual([status, code], [503, 'full'])
    assert.ok(Number(retryAfter) > 0)
    const places = [
      await refused({ username: 'fourth' }, server.url),
      await refused({ username: 'third' }, server.url),
    ]
    assert.deepEqual(
      places.map(({ place }) => place),
      [2, 1],
      'who comes again keeps his place',
    )
    one?.terminate()
    await until('a free place', async () => {
      const answer = await knock(server.url, { username: 'third' })
      if (answer instanceof Client) answer.terminate()
      return answer instanceof Client
    })
    await fleet.stop(server)
  })

  test('[C2] many who knock at once fill a server exactly', async () => {
    const server = await fleet.open({ flags: ['--capacity', '5'] })
    const { token } = await fleet.login('crowd')
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        knock(server.url, i % 2 === 0 ? { token } : { username: `c${i}` }),
      ),
    )
    assert.equal(answers.filter((answer) => answer instanceof Client).length, 5)
    for (const answer of answers) if (answer instanceof Client) answer.terminate()
    await fleet.stop(server)
  })

  test('[C2] above --per-ip connections of one address it is 429', async () => {
    const server = await fleet.open({ flags: ['--per-ip', '2'] })
    for (const _ of [1, 2]) await fleet.client(server)
    const { status, code } = await refused({ username: 'third' }, server.url)
    assert.deepEqual([status, code], [429, 'too_many_connections'])
    await fleet.stop(server)
  })

  test('[C7] permessage-deflate is not negotiated', async () => {
    const answer = await knock(url, { username: 'small' }, { perMessageDeflate: true })
    assert.ok(answer instanceof Client)
    assert.equal(answer.socket.extensions, '')
    answer.terminate()
  })

  test('[C6] a handshake that does not end is given up', async () => {
    const silent = await RawSocket.connect(url)
    const slow = await RawSocket.connect(url)
    slow.socket.write('GET /ws?username=slow HTTP/1.1\r\nHost: x\r\nUpgrade: webso')
    await until('both are cut off', () => silent.isEnded && slow.isEnded)
  })

  test('a refused socket that never hangs up is let go, and one that is reset ends nothing', async () => {
    for (const path of ['/ws', '/ws?username=a:b', '/link', '/elsewhere']) {
      const stubborn = await RawSocket.connect(url)
      stubborn.socket.allowHalfOpen = true
      stubborn.upgrade(path)
      await until(`${path} is let go`, () => {
        stubborn.socket.write('x') // reset, where nobody is there any more
        return stubborn.isEnded
      })
      for (let i = 0; i < 20; i += 1) {
        const hasty = await RawSocket.connect(url)
        hasty.upgrade(path)
        hasty.socket.resetAndDestroy()
      }
    }
    assert.ok((await knock(url, { username: 'after' })) instanceof Client)
  })
})
