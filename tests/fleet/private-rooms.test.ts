import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Account } from './account.ts'
import { startFleet, until, type FleetProcess } from './harness.ts'
import type { RawClient } from './raw-client.ts'

/** Whether a word stands anywhere in the files of a process. */
function holds({ dataDir }: FleetProcess, word: string): boolean {
  return readdirSync(dataDir, { withFileTypes: true, recursive: true })
    .filter((file) => file.isFile() && file.name.includes('.db'))
    .some(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(word))
}

/** Codes of errors about a room. */
const errorsOf = (client: RawClient, room: string) =>
  client.frames.flatMap((frame) => (frame.type === 'error' && frame.room === room ? [frame.code] : []))
const textsOf = (client: RawClient, room: string) =>
  client.frames.flatMap((frame) => (frame.type === 'message' && frame.room === room ? [frame.text] : []))

describe('a private room', () => {
  test('is for its members, on every server; who was sent out hears nothing more; deleted, no file holds a word of it', async (t) => {
    const fleet = await startFleet({ t, servers: 3 })
    const [ann, ben, cat] = await Promise.all(
      ['ann', 'ben', 'cat'].map((name) => Account.signUp(t, fleet, name)),
    )
    const [one, two, three] = fleet.servers
    assert.ok(ann && ben && cat && one && two && three)
    const room = await ann.makeRoom('private')
    const sockets = [await ann.enter(one), await ben.enter(two), await cat.enter(three)] as const
    const [annHears, benHears, catHears] = sockets
    await annHears.join(room)

    for (const stranger of [benHears, catHears]) {
      stranger.say({ type: 'join', room })
      await until('the stranger is answered', () => errorsOf(stranger, room).length > 0)
      assert.deepEqual(errorsOf(stranger, room), ['no_such_room'])
    }
    await ann.does(`POST /api/rooms/${room}/invite`, { username: 'ben' })
    assert.equal((await cat.call(`POST /api/rooms/${room}/join`, {})).code, 'no_such_room')
    await ben.does(`POST /api/rooms/${room}/join`, {})
    await benHears.join(room)
    await annHears.sendUntilAcked(room, 'a1', 'Xylophone by Ann')
    await benHears.sendUntilAcked(room, 'b1', 'Xylophone by Ben')
    const said = ['Xylophone by Ann', 'Xylophone by Ben']
    await until('both hear both', () => [annHears, benHears].every((who) => textsOf(who, room).length === 2))
    assert.deepEqual(textsOf(benHears, room), said)

    await ann.does(`POST /api/rooms/${room}/remove`, { user: ben.id })
    const left = await benHears.next('left', (frame) => frame.room === room)
    assert.equal((left as { reason?: string }).reason, 'removed')
    const heard = benHears.frames.length
    for (let at = 0; at < 5; at += 1) await annHears.sendUntilAcked(room, `after ${at}`, `Xylophone ${at}`)
    benHears.say({ type: 'send', room, id: 'b2', text: 'still here?' }, { type: 'join', room })
    await until('he is refused', () => errorsOf(benHears, room).length >= 3)
    await benHears.join('general')
    await benHears.sendUntilAcked('general', 'g1', 'elsewhere')
    assert.deepEqual(
      benHears.frames
        .slice(heard)
        .filter((frame) => 'room' in frame && frame.room === room && frame.type !== 'error'),
      [],
    )
    assert.equal((await ben.call(`GET /api/rooms/${room}/members`)).code, 'no_such_room')

    assert.ok(fleet.servers.some((server) => holds(server, 'Xylophone')))
    assert.equal((await cat.call(`DELETE /api/rooms/${room}`)).code, 'no_such_room')
    assert.deepEqual(await ann.does(`DELETE /api/rooms/${room}`), { pending: 0 })
    const gone = await annHears.next('left', (frame) => frame.room === room)
    assert.equal((gone as { reason?: string }).reason, 'deleted')
    for (const part of [fleet.loadbalancer, ...fleet.servers]) assert.ok(!holds(part, 'Xylophone'), part.name)
    assert.equal((await ann.call(`GET /api/rooms/${room}`)).code, 'no_such_room')
    annHears.say({ type: 'join', room })
    await until('it is no more', () => errorsOf(annHears, room).includes('no_such_room'))
  })

  test('is shown to who has a link before he joins by it; who was sent out comes by a later one only, at the next home, too', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const [ann, ben] = await Promise.all(['ann', 'ben'].map((name) => Account.signUp(t, fleet, name)))
    assert.ok(ann && ben)
    const room = await ann.makeRoom('private', 'Xylophone')
    const newLink = async () => {
      const { link } = await ann.does(`POST /api/rooms/${room}/links`, { expiresInMs: 3_600_000 })
      return { link }
    }
    const asks = async (what: 'preview' | 'join', link: object) =>
      (await ben.asks(`POST /api/rooms/${room}/${what}`, link)).code
    const old = await newLink()
    const shown = { roomId: room, name: 'Xylophone', visibility: 'private', count: 1 }
    assert.deepEqual(await ben.does(`POST /api/rooms/${room}/preview`, old), shown)
    assert.equal((await ben.call(`GET /api/rooms/${room}`)).code, 'no_such_room')
    assert.equal(await asks('join', old), undefined)
    await ann.does(`POST /api/rooms/${room}/remove`, { user: ben.id })
    for (const what of ['preview', 'join'] as const) assert.equal(await asks(what, old), 'no_such_room')
    const { home } = await ann.does(`POST /api/rooms/${room}`)
    const former = fleet.servers.find(({ id }) => id === home)
    assert.ok(former)
    former.kill('SIGKILL')
    await former.exited
    const later = await newLink()
    for (const what of ['preview', 'join'] as const) assert.equal(await asks(what, old), 'no_such_room')
    for (const what of ['preview', 'join'] as const) assert.equal(await asks(what, later), undefined)
  })

  test('that was taken over is erased from the file of its old home, too, as soon as that is back', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const ann = await Account.signUp(t, fleet, 'ann')
    const room = await ann.makeRoom('private')
    const { home } = await ann.does(`POST /api/rooms/${room}`)
    const [old, next] = fleet.servers.toSorted(({ id }) => (id === home ? -1 : 1))
    assert.ok(old && next && old.id === home)
    const before = await ann.enter(old)
    await before.join(room)
    await before.sendUntilAcked(room, 'a1', 'Xylophone')
    old.kill('SIGKILL')
    await old.exited
    const after = await ann.enter(next)
    await after.join(room)
    await after.sendUntilAcked(room, 'a2', 'Xylophone again')
    assert.deepEqual(await ann.does(`DELETE /api/rooms/${room}`), { pending: 1 })
    assert.deepEqual([holds(old, 'Xylophone'), holds(next, 'Xylophone')], [true, false])
    await old.restart()
    await until('the old home has erased it', () => !holds(old, 'Xylophone'), { timeoutMs: 240_000 })
    assert.equal((await ann.call(`GET /api/rooms/${room}`)).code, 'no_such_room')
  })

  test('stays private when the directory is lost, and its members find it again', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const [ann, ben, cat] = await Promise.all(
      ['ann', 'ben', 'cat'].map((name) => Account.signUp(t, fleet, name)),
    )
    assert.ok(ann && ben && cat)
    const room = await ann.makeRoom('private')
    await ann.does(`POST /api/rooms/${room}/invite`, { username: 'ben' })
    await ben.does(`POST /api/rooms/${room}/join`, {})
    const between = (await ann.does('POST /api/direct', { username: 'ben' }))['roomId'] as string
    await ann.does(`POST /api/rooms/${between}`)
    const { loadbalancer } = fleet
    await loadbalancer.stop()
    const files = readdirSync(loadbalancer.dataDir).filter((name) => name.startsWith('directory.db'))
    assert.ok(files.length > 0)
    for (const name of files) rmSync(join(loadbalancer.dataDir, name))
    await loadbalancer.restart()
    await fleet.complete()
    const listOf = async (who: Account) =>
      ((await who.call('GET /api/rooms')).body as unknown as Record<string, unknown>[]).map(
        (row) => row['roomId'],
      )
    await until('Ben finds both', async () => {
      const list = await listOf(ben)
      return list.includes(room) && list.includes(between)
    })
    assert.deepEqual(await listOf(cat), ['general'])
    for (const id of [room, between])
      assert.equal((await cat.call(`GET /api/rooms/${id}`)).code, 'no_such_room')
    assert.equal((await ben.does(`GET /api/rooms/${room}`))['membership'], 'member')
    assert.equal((await ann.does(`GET /api/rooms/${room}`))['name'], 'Plans')
  })
})
