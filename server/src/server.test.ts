import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ServerRow } from '@flotilla/protocol/control.ts'
import type { ChatServer } from './server.ts'
import { Client, knock } from './test/client.ts'
import { Fleet } from './test/kit.ts'
import { RawSocket } from './test/raw-socket.ts'
import { until } from './test/until.ts'

const http = (server: ChatServer | undefined, path: string, method = 'GET') =>
  fetch(`http://127.0.0.1:${server?.port}${path}`, { method })

describe('a server by HTTP', () => {
  let fleet: Fleet
  before(async () => (fleet = await Fleet.start()))
  after(() => fleet.close())

  test('/healthz says who answers, in which run', async () => {
    const [server] = fleet.servers
    const answer = await http(server, '/healthz')
    const { id, inc, ok } = (await answer.json()) as Record<string, unknown>
    assert.deepEqual([answer.status, id, inc, ok], [200, server?.id, server?.inc, true])
    assert.equal((await http(server, '/healthz?probe=1', 'HEAD')).status, 200)
  })

  test('/readyz is 200 while it takes clients', async () => {
    assert.equal((await http(fleet.servers[0], '/readyz')).status, 200)
  })

  test('/metrics counts what was done, in words with units', async () => {
    const room = await fleet.room()
    const client = await fleet.member(room)
    await client.send(room, 'one', 'x')
    await client.upTo(room, 1)
    await client.ask({ type: 'leave' })
    const answer = await http(fleet.servers[0], '/metrics')
    const text = await answer.text()
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/)
    for (const line of [
      /^flotilla_clients 1$/m,
      /^flotilla_rooms_open [1-9]/m,
      /^flotilla_deliveries_total [1-9]/m,
      /^flotilla_acks_total [1-9]/m,
      /^flotilla_commits_total [1-9]/m,
      /^flotilla_commit_waiting 0$/m,
      /^flotilla_commit_ms_count [1-9]/m,
      /^flotilla_commit_drafts_sum [1-9]/m,
      /^flotilla_refused_total\{code="bad_message"\} [1-9]/m,
      /^flotilla_loop_delay_ms /m,
      /^flotilla_bus_dropped_total 0$/m,
      /^flotilla_cursor_lag_entries 0$/m,
      /^flotilla_followers_behind 0$/m,
      /^flotilla_moves_total\{kind="taken_over"\} 0$/m,
      /^flotilla_moves_total\{kind="handed_over"\} 0$/m,
      /^process_cpu_seconds_total /m,
    ]) {
      assert.match(text, line)
    }
    client.terminate()
  })

  test('there is nothing else there, and nothing to be written', async () => {
    const nothing = await http(fleet.servers[0], '/')
    assert.equal(nothing.status, 404)
    assert.match(nothing.headers.get('content-type') ?? '', /^application\/problem\+json/)
    assert.equal(((await nothing.json()) as { code: string }).code, 'not_found')
    assert.equal((await http(fleet.servers[0], '/ws')).status, 404)
    assert.equal((await http(fleet.servers[0], '/internal/anything')).status, 401)
    for (const method of ['POST', 'PUT', 'DELETE']) {
      assert.equal((await http(fleet.servers[0], '/healthz', method)).status, 405)
    }
  })

  test('whatever is refused comes as problem+json with a code and a sentence, garbage included', async () => {
    const url = fleet.servers[0]?.url ?? ''
    const link = { 'x-flotilla-server': 'x', 'x-flotilla-inc': 'y' }
    const secret = { authorization: `Bearer ${fleet.balancer.fleetSecret}` }
    const upgrade = (path: string, headers?: Record<string, string>) => (raw: RawSocket) =>
      raw.upgrade(path, headers)
    const write = (text: string) => (raw: RawSocket) => raw.socket.write(text)
    const cases: [what: string, status: number, code: string, say: (raw: RawSocket) => void][] = [
      ['no door', 401, 'unauthenticated', upgrade('/ws')],
      ['a name nobody may have', 403, 'bad_name', upgrade('/ws?username=a:b')],
      ['a foreign page', 403, 'foreign_origin', upgrade('/ws?username=a', { origin: 'https://x.example' })],
      ['no key', 400, 'bad_handshake', upgrade('/ws?username=a', { 'sec-websocket-key': '' })],
      ['a version of old', 400, 'bad_handshake', upgrade('/ws?username=a', { 'sec-websocket-version': '7' })],
      ['another protocol', 404, 'not_found', upgrade('/ws?username=a', { upgrade: 'h2c' })],
      ['an upgrade elsewhere', 404, 'not_found', upgrade('/elsewhere')],
      ['a link without secret', 401, 'no_fleet_secret', upgrade('/link', link)],
      ['a link of nobody', 400, 'bad_handshake', upgrade('/link', secret)],
      [
        'a link without key',
        400,
        'bad_handshake',
        upgrade('/link', { ...link, ...secret, 'sec-websocket-key': '' }),
      ],
      ['garbage', 400, 'bad_request', write('nonsense\r\n\r\n')],
      ['a long head', 431, 'header_too_large', write(`GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`)],
      [
        'a path without anything',
        404,
        'not_found',
        write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'),
      ],
    ]
    for (const [what, status, code, say] of cases) {
      const raw = await RawSocket.connect(url)
      let text = ''
      raw.socket.on('data', (data: Buffer) => (text += data.toString()))
      say(raw)
      await until(`the end of ${what}`, () => raw.isEnded)
      const [head = '', body = ''] = text.split('\r\n\r\n')
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), what)
      assert.match(head, /^content-type: application\/problem\+json/im, what)
      const problem = JSON.parse(body) as Record<string, unknown>
      assert.deepEqual([problem['status'], problem['code']], [status, code], what)
      assert.match(String(problem['detail']), /^[A-Z].+\.$/, what)
      assert.equal(problem['type'], `urn:flotilla:problem:${code}`)
    }
  })

  test('/link is closed to whoever has not the fleet’s secret, a user’s token included', async () => {
    const { token } = await fleet.login('ada')
    const headers = { 'x-flotilla-server': 'x', 'x-flotilla-inc': 'y' }
    for (const authorization of [undefined, 'Bearer', 'Bearer wrong', `Bearer ${token}`]) {
      const raw = await RawSocket.connect(fleet.servers[0]?.url ?? '')
      raw.upgrade('/link', { ...headers, ...(authorization === undefined ? {} : { authorization }) })
      await until('the end', () => raw.isEnded)
      assert.match(raw.head, /^HTTP\/1\.1 401 /)
    }
    const elsewhere = await RawSocket.connect(fleet.servers[0]?.url ?? '')
    elsewhere.upgrade('/elsewhere')
    await until('the end', () => elsewhere.isEnded)
    assert.match(elsewhere.head, /^HTTP\/1\.1 404 /)
  })
})

describe('a server that stops and starts again', () => {
  let fleet: Fleet
  before(async () => (fleet = await Fleet.start({ servers: 2 })))
  after(() => fleet.close())

  test('a second one on the same data folder, and one on a port that is taken, are refused in one line', async () => {
    const [server] = fleet.servers
    await assert.rejects(fleet.open({ data: server?.dataDir ?? '' }), (cause: Error) => {
      assert.match(cause.message, /^[^\n]+ is in use by another process[^\n]*$/)
      assert.ok(cause.message.includes(server?.dataDir ?? '?'))
      return true
    })
    await assert.rejects(fleet.open({ port: server?.port ?? 0 }), { code: 'EADDRINUSE' })
    const client = await fleet.client()
    await client.settled()
  })

  test('[L1] clients are closed with 1001 at a stop', async () => {
    const server = await fleet.open()
    const client = await fleet.client(server)
    await fleet.stop(server)
    assert.equal(await client.close(), 1001)
  })

  test('[S2] [S11] [E4] [J4] a new run of a home goes on where the last one ended, resumes and repeats included', async () => {
    const home = await fleet.add()
    const room = await fleet.room(2)
    const ada = await fleet.member(room, home, 'ada')
    const edge = await fleet.member(room, 0)
    const { log } = await ada.join(room)
    const acks = await Promise.all(['one', 'two', 'three'].map((id) => ada.send(room, id, id)))
    await edge.upTo(room, 3)
    await fleet.stop(home)
    const again = await fleet.open({ port: home.port })
    assert.deepEqual([again.id, again.inc === home.inc], [home.id, false])
    const back = await fleet.client(again, 'ada')
    const joined = await back.join(room, { since: 1, log })
    assert.deepEqual([joined.log, joined.head, joined.first], [log, 3, 2])
    await back.upTo(room, 3)
    assert.deepEqual(back.entryLines(room), edge.entryLines(room).slice(1))
    const { seq, ts } = await back.send(room, 'two', 'two')
    assert.deepEqual([seq, ts], [acks[1]?.seq, acks[1]?.ts])
    assert.equal((await back.ask({ type: 'send', room, id: 'two', text: 'other' })).code, 'conflict')
    assert.equal((await back.send(room, 'four', 'four', { after: 'three' })).seq, 4)
    await edge.upTo(room, 4)
    assert.deepEqual(edge.seqs(room), [1, 2, 3, 4])
    await fleet.stop(again)
  })

  test('no token, name or text of anybody stands in the log', async () => {
    const server = await fleet.open({ flags: ['--log-level', 'trace'] })
    const { token } = await fleet.login('logged')
    const room = await fleet.room()
    for (const door of [{ token }, { protocols: ['chat.v1', `bearer.${token}`] }, { token: `${token}x` }]) {
      const answer = await knock(server.url, door)
      if (!(answer instanceof Client)) continue
      await answer.join(room)
      await answer.send(room, 'secret', 'a very private text')
      answer.say('{"type":"send","text":"another private text"', { type: 'send', text: 'private as well' })
      await answer.settled()
      answer.terminate()
    }
    await fleet.stop(server)
    const file = join(server.dataDir, 'chat.log')
    assert.ok(existsSync(file))
    const log = readFileSync(file, 'utf8')
    assert.match(log, /"msg":"serving"/)
    for (const secret of [token, token.split('.')[2] ?? '', 'private', fleet.balancer.fleetSecret]) {
      assert.ok(!log.includes(secret), secret)
    }
  })
})

describe('a server whose balancer is down', () => {
  let fleet: Fleet
  let token: string
  let rooms: string[]
  before(async () => {
    fleet = await Fleet.start({ servers: 2 })
    ;({ token } = await fleet.login('ada'))
    rooms = [await fleet.room(0), await fleet.room(1)]
    // Both have let a token in, and each has a room of its own and follows the other’s.
    for (const at of [0, 1]) {
      const client = await fleet.client(at, { token })
      for (const room of rooms) {
        await client.join(room)
        await client.send(room, `before-${at}`, 'x')
      }
    }
    await fleet.stopBalancer()
  })
  after(() => fleet.close())

  for (const at of [0, 1]) {
    test(`guests and tokens come in, and rooms that are open go on, at server ${at}`, async () => {
      for (const door of [{ username: 'bob' }, { token }]) {
        const client = await fleet.client(at, door)
        for (const room of rooms) {
          await client.join(room)
          await client.send(room, `while-${at}`, 'x')
        }
      }
    })
  }

  test('[S8] a room nobody knows here is busy for now, not no such room', async () => {
    const client = await fleet.client()
    const error = await client.ask({ type: 'join', room: 'unheard-of' })
    assert.equal(error.code, 'busy')
    assert.ok((error.retryMs ?? 0) > 0)
  })

  test('[C1] a new run lets tokens in by the keys it kept, and serves the rooms of its store', async () => {
    const [home] = fleet.servers as [ChatServer]
    await fleet.stop(home)
    const again = await fleet.open({ port: home.port })
    assert.equal(again.id, home.id)
    assert.equal((await http(again, '/readyz')).status, 200)
    const client = await fleet.client(again, { token })
    assert.equal(client.of('welcome')[0]?.user.id, 'guest:ada')
    const { head } = await client.join(rooms[0] ?? '')
    const { seq } = await client.send(rooms[0] ?? '', 'after', 'x')
    assert.equal(seq, head + 1)
  })

  test('when it is back, every server is registered again and new rooms are found', async () => {
    await fleet.startBalancer()
    const rows = await fleet.call<ServerRow[]>('GET', '/servers')
    assert.equal(rows.filter(({ state }) => state === 'up').length, 2)
    const client = await fleet.client(1)
    await client.join(await fleet.room(1))
  })
})
