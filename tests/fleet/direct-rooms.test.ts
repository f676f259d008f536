import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Account } from './account.ts'
import { startFleet, until } from './harness.ts'
import type { RawClient } from './raw-client.ts'

const textsOf = (client: RawClient, room: string) =>
  client.frames.flatMap((frame) => (frame.type === 'message' && frame.room === room ? [frame.text] : []))
const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('two people', () => {
  test('write to each other until one blocks the other, and again when that is taken back', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const [ann, ben, cat] = await Promise.all(
      ['ann', 'ben', 'cat'].map((name) => Account.signUp(t, fleet, name)),
    )
    const [one, two] = fleet.servers
    assert.ok(ann && ben && cat && one && two)
    const room = (await ann.does('POST /api/direct', { username: 'Ben' }))['roomId'] as string
    assert.equal((await ben.does('POST /api/direct', { username: 'ann' }))['roomId'], room)
    const [annHears, benHears, catHears] = [await ann.enter(one), await ben.enter(two), await cat.enter(two)]
    for (const client of [annHears, benHears]) await client.join(room)
    await annHears.sendUntilAcked(room, 'a1', 'hello Ben')
    await until('Ben reads it', () => textsOf(benHears, room).length === 1)
    catHears.say({ type: 'join', room })
    assert.equal((await catHears.next('error')).code, 'no_such_room')

    await ben.does(`PUT /api/blocks/${ann.id}`)
    annHears.say({ type: 'send', room, id: 'a2', text: 'hello?' })
    assert.equal((await annHears.next('error', ({ id }) => id === 'a2')).code, 'forbidden')
    const plans = await ann.makeRoom('private')
    assert.equal((await ann.call(`POST /api/rooms/${plans}/invite`, { username: 'ben' })).code, 'forbidden')
    await ben.does(`DELETE /api/blocks/${ann.id}`)
    await annHears.sendUntilAcked(room, 'a3', 'hello again')
    await until('Ben reads that, too', () => textsOf(benHears, room).length === 2)
    assert.deepEqual(textsOf(benHears, room), ['hello Ben', 'hello again'])
  })

  test('report what the other one wrote to the operator, whose log says that it waits, and no more', async (t) => {
    const fleet = await startFleet({ t, servers: 1 })
    const [ann, ben] = await Promise.all(['ann', 'ben'].map((name) => Account.signUp(t, fleet, name)))
    const [one] = fleet.servers
    assert.ok(ann && ben && one)
    const room = (await ann.does('POST /api/direct', { username: 'ben' }))['roomId'] as string
    const annHears = await ann.enter(one)
    await annHears.join(room)
    const seq = await annHears.sendUntilAcked(room, 'a1', 'Xylophone')
    await ben.does(`POST /api/rooms/${room}/reports`, { seq, reason: 'Zeppelin' })
    const asks = async (method: string, path: string) => {
      const headers = { authorization: `Bearer ${fleet.secret}` }
      const response = await fetch(`${fleet.loadbalancer.url}/internal/reports${path}`, { method, headers })
      return (await response.json()) as { reports: Record<string, unknown>[] }
    }
    const [report, ...more] = (await asks('GET', '')).reports
    assert.deepEqual(
      [report?.['roomId'], report?.['seq'], report?.['reason'], more],
      [room, seq, 'Zeppelin', []],
    )
    assert.match(JSON.stringify(report?.['context']), /Xylophone/)
    const log = () => readFileSync(join(fleet.loadbalancer.dataDir, 'loadbalancer.log'), 'utf8')
    await until('the log says so', () => log().includes('a report waits for the operator'))
    assert.doesNotMatch(log(), /Xylophone|Zeppelin/)
    await asks('DELETE', `/${String(report?.['id'])}`)
    assert.deepEqual(await asks('GET', '?all'), { reports: [] })
  })

  test('who blocks while the home of their room is away is told so, and the room is told when it is back', async (t) => {
    const fleet = await startFleet({ t, servers: 1 })
    const [ann, ben] = await Promise.all(['ann', 'ben'].map((name) => Account.signUp(t, fleet, name)))
    const [one] = fleet.servers
    assert.ok(ann && ben && one)
    const room = (await ann.does('POST /api/direct', { username: 'ben' }))['roomId'] as string
    const before = await ann.enter(one)
    await before.join(room)
    await before.sendUntilAcked(room, 'a1', 'hello')
    one.kill('SIGKILL')
    await one.exited
    assert.equal((await ben.call(`PUT /api/blocks/${ann.id}`)).code, 'busy')
    await one.restart()
    const annHears = await ann.enter(one)
    await annHears.join(room)
    let at = 1
    await until(
      'nothing is taken there any more, though nobody asked again',
      async () => {
        at += 1
        const answer = await annHears.asks({ type: 'send', room, id: `a${at}`, text: 'hello?' })
        return answer.type === 'error' && answer.code === 'forbidden'
      },
      { timeoutMs: 240_000 },
    )
  })

  test('keep what was said when one of them is no more, without his name', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const [ann, ben] = await Promise.all(['ann', 'ben'].map((name) => Account.signUp(t, fleet, name)))
    const [one] = fleet.servers
    assert.ok(ann && ben && one)
    const room = (await ann.does('POST /api/direct', { username: 'ben' }))['roomId'] as string
    const [annHears, benHears] = [await ann.enter(one), await ben.enter(one)]
    for (const client of [annHears, benHears]) await client.join(room)
    await benHears.sendUntilAcked(room, 'b1', 'so long')
    const own = linesOf((await ben.call('GET /api/me/export')).text)
    assert.deepEqual(
      own.map(({ type, text, roomId }) => text ?? roomId ?? type),
      ['account', 'session', room, 'so long', 'end'],
    )
    assert.equal(own.at(-1)?.['complete'], true)
    await ben.does('DELETE /api/me', { password: Account.PASSWORD })
    assert.equal(await benHears.closeCode(), 4403)
    await until('the room says who is gone', async () => {
      const { name, people } = await ann.does(`GET /api/rooms/${room}`)
      return name === 'deleted user' && JSON.stringify(people).includes('deleted user')
    })
    // A server that is too slow to answer is asked again half a minute later.
    await until(
      'his words have no name',
      async () => {
        annHears.say({ type: 'history', room, limit: 10 })
        const { entries } = await annHears.next('history')
        return entries.find(({ type }) => type === 'message')?.user.name === 'deleted user'
      },
      { timeoutMs: 240_000 },
    )
    annHears.say({ type: 'send', room, id: 'a1', text: 'are you there?' })
    assert.equal((await annHears.next('error', ({ id }) => id === 'a1')).code, 'forbidden')
  })
})

describe('a room of many', () => {
  test('is kept in order by its moderators, on whatever server, and its owner sees what they did', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const [ann, ben, cat] = await Promise.all(
      ['ann', 'ben', 'cat'].map((name) => Account.signUp(t, fleet, name)),
    )
    const [one, two] = fleet.servers
    assert.ok(ann && ben && cat && one && two)
    const room = await ann.makeRoom('public', 'Square')
    const [annHears, benHears, catHears] = [await ann.enter(one), await ben.enter(two), await cat.enter(two)]
    for (const client of [annHears, benHears, catHears]) await client.join(room)
    for (const who of [ben, cat]) await who.does(`POST /api/rooms/${room}/join`, {})
    assert.equal(
      (await ben.call(`POST /api/rooms/${room}/mute`, { user: cat.id, minutes: 5 })).code,
      'forbidden',
    )
    await ann.does(`POST /api/rooms/${room}/role`, { user: ben.id, role: 'moderator' })

    const rude = await catHears.sendUntilAcked(room, 'c1', 'something rude')
    await ann.does(`POST /api/rooms/${room}/reports`, { seq: rude, reason: 'rude' })
    const { reports } = (await ben.does(`GET /api/rooms/${room}/reports`)) as {
      reports: { seq: number; context: { text?: string }[] }[]
    }
    assert.equal(reports[0]?.seq, rude)
    assert.ok(reports[0].context.some(({ text }) => text === 'something rude'))
    benHears.say({ type: 'delete', room, id: 'd1', target: rude })
    await benHears.next('ack', ({ id }) => id === 'd1')

    const refusalOf = async (id: string) => {
      catHears.say({ type: 'send', room, id, text: 'more of it' })
      return (await catHears.next('error', (frame) => frame.id === id)).code
    }
    await ben.does(`POST /api/rooms/${room}/mute`, { user: cat.id, minutes: 5 })
    assert.equal(await refusalOf('c2'), 'forbidden')
    await ben.does(`POST /api/rooms/${room}/unmute`, { user: cat.id })
    await ann.does(`PATCH /api/rooms/${room}`, { slowMs: 3_600_000 })
    await catHears.sendUntilAcked(room, 'c3', 'slowly')
    assert.equal(await refusalOf('c4'), 'rate_limited')
    await ann.does(`PATCH /api/rooms/${room}`, { slowMs: 0 })
    await ben.does(`POST /api/rooms/${room}/ban`, { user: cat.id, reason: 'rude' })
    assert.equal((await catHears.next('left', (frame) => frame.room === room)).reason, 'banned')
    catHears.say({ type: 'join', room })
    assert.equal((await catHears.next('error', (frame) => frame.id === undefined)).code, 'forbidden')
    assert.equal((await cat.call(`POST /api/rooms/${room}/join`, {})).code, 'forbidden')

    const { entries } = (await ann.does(`GET /api/rooms/${room}/audit`)) as {
      entries: { type: string; event?: string; user: { name: string } }[]
    }
    const record = entries.map(({ type, event, user }) => `${user.name} ${event ?? type}`)
    const done = [
      'ben ban',
      'ann slow',
      'ann slow',
      'ben unmute',
      'ben mute',
      'ben delete',
      'ann role',
      'cat join',
    ]
    assert.deepEqual(record, [...done, 'ben join'])
    const all = linesOf((await ann.call(`GET /api/rooms/${room}/export`)).text)
    assert.deepEqual(
      all.slice(1, -1).map(({ seq }) => seq),
      Array.from({ length: 11 }, (_, at) => at + 1),
    )
    assert.deepEqual(all.at(-1), { type: 'end', complete: true })
  })
})
