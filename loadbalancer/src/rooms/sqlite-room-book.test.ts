import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { User } from '@flotilla/protocol/frames.ts'
import type { Role } from '@flotilla/protocol/roster.ts'
import { freshFolder } from '../../test/fleet.ts'
import { openDirectoryFile } from './directory-schema.ts'
import { GENESIS, ROOM, SERVER } from './directory-store.contract.ts'
import { newsOf } from './room-news.ts'
import { SqliteDirectoryStore } from './sqlite-directory-store.ts'
import { SqliteRoomBook } from './sqlite-room-book.ts'

const ANN: User = { id: 'user:ann', name: 'Ann' }
const BEN: User = { id: 'user:ben', name: 'Ben' }
const CAT: User = { id: 'user:cat', name: 'Cat' }

async function open(t: TestContext) {
  const folder = freshFolder(t)
  const file = openDirectoryFile(join(folder, 'directory.db'))
  t.after(() => file.close())
  const store = new SqliteDirectoryStore(file)
  const book = new SqliteRoomBook(file)
  await store.createRoom({ ...ROOM, roomId: 'plans', visibility: 'private', genesis: GENESIS })
  const hear = (seq: number, event: string, user: User, data?: object) =>
    book.heard('plans', seq, newsOf({ event, user, data }), seq)
  const roles = () => Promise.all([ANN, BEN, CAT].map(({ id }) => book.roleOf('plans', id)))
  return { folder, file, store, book, hear, roles }
}

describe('the book of rooms', () => {
  test('who made a room is its owner; two people are in a room between them', async (t) => {
    const { store, book } = await open(t)
    assert.equal(await book.roleOf('plans', ANN.id), 'owner')
    const genesis = {
      name: '',
      visibility: 'direct' as const,
      createdAt: 1,
      people: [ANN, BEN] as [User, User],
    }
    await store.createRoom({ ...ROOM, roomId: 'two', visibility: 'direct', genesis })
    const mine = async ({ id }: User) =>
      (await book.roomsOf(id, 10)).map(({ room, role }) => [room.roomId, role])
    assert.deepEqual(await mine(BEN), [['two', 'member']])
    assert.deepEqual(await mine(ANN), [
      ['plans', 'owner'],
      ['two', 'member'],
    ])
    assert.deepEqual([await mine(CAT), (await book.roomsOf(ANN.id, 1)).length], [[], 1])
  })

  test('[B2] it follows what happens in a room, in whatever order it hears of it', async (t) => {
    const { hear, roles } = await open(t)
    const happened: [number, string, User, object?][] = [
      [2, 'invite', ANN, { user: BEN }],
      [3, 'join', BEN],
      [4, 'join', CAT, { via: 'link' }],
      [5, 'role', ANN, { user: CAT, role: 'moderator' }],
      [6, 'remove', CAT, { user: BEN }],
      [7, 'invite', CAT, { user: BEN }],
      [8, 'owner', ANN, { user: CAT }],
    ]
    for (const [seq, event, user, data] of happened.toReversed()) await hear(seq, event, user, data)
    assert.deepEqual(await roles(), ['moderator', 'invited', 'owner'])
    for (const [seq, event, user, data] of happened) await hear(seq, event, user, data)
    assert.deepEqual(await roles(), ['moderator', 'invited', 'owner'])
    await hear(9, 'ban', CAT, { user: BEN })
    await hear(10, 'leave', ANN)
    assert.deepEqual(await roles(), [undefined, 'banned', 'owner'])
    await hear(11, 'unban', CAT, { user: BEN })
    await hear(12, 'of tomorrow', CAT, { user: CAT })
    assert.deepEqual(await roles(), [undefined, undefined, 'owner'])
  })

  test('[B2] of each fact the newest stands', async (t) => {
    const { store, hear } = await open(t)
    await hear(5, 'rename', ANN, { name: 'New' })
    await hear(4, 'rename', ANN, { name: 'Old' })
    await hear(3, 'topic', ANN, { topic: 'What we do' })
    await hear(6, 'slow', ANN, { everyMs: 500 })
    await hear(7, 'archive', ANN)
    await hear(8, 'retention', ANN, { days: null })
    const room = await store.room('plans')
    assert.equal(room?.name, 'New')
    const facts = { name: 'New', topic: 'What we do', slowMs: 500, archived: true, retentionDays: null }
    assert.deepEqual(room.facts, facts)
    await hear(9, 'unarchive', ANN)
    assert.equal((await store.room('plans'))?.facts?.archived, false)
  })

  test('[B2] what was missed is repaired by what the home says, and what is newer than that stays', async (t) => {
    const { store, book, hear, roles } = await open(t)
    await hear(20, 'join', CAT)
    await hear(3, 'join', BEN)
    const said = new Map<string, Role>([[ANN.id, 'moderator']])
    assert.equal(await book.comparedUpTo('plans'), -1)
    await book.compare('plans', { version: 10, facts: { name: 'Said' }, roles: said })
    assert.deepEqual(await roles(), ['moderator', undefined, 'member'])
    assert.equal((await store.room('plans'))?.name, 'Said')
    assert.equal(await book.comparedUpTo('plans'), 10)
    await book.compare('plans', { version: 9, facts: { name: 'Older' }, roles: new Map() })
    assert.deepEqual(await roles(), ['moderator', undefined, 'member'])
    assert.equal((await store.room('plans'))?.name, 'Said')
  })

  test('links are known until they end, or are taken back', async (t) => {
    const { book, hear } = await open(t)
    await hear(2, 'link', ANN, { hash: 'one', until: 100 })
    await hear(3, 'link', ANN, { hash: 'two', until: 100 })
    const known = (hash: string, now: number, room = 'plans') => book.hasLink(room, hash, now)
    assert.deepEqual(
      [await known('one', 99), await known('one', 100), await known('one', 1, 'general')],
      [true, false, false],
    )
    await hear(4, 'unlink', ANN, { hash: 'one' })
    assert.deepEqual([await known('one', 1), await known('two', 1)], [false, true])
    await hear(100, 'link', ANN, { hash: 'three', until: 200 })
    assert.deepEqual(
      [await known('two', 1), await known('three', 1)],
      [false, true],
      'what ended is forgotten',
    )
  })

  test('reports are kept once for each who makes them, the newest first, and no more than so many', async (t) => {
    const { book } = await open(t)
    const report = (seq: number, by: User) => book.report('plans', { seq, by, reason: 'rude', at: seq })
    assert.deepEqual(
      [await report(1, BEN), await report(1, BEN), await report(1, CAT), await report(2, BEN)],
      ['added', 'known', 'added', 'added'],
    )
    const seen = await book.reports('plans', Number.MAX_SAFE_INTEGER, 2)
    assert.deepEqual(
      seen.map(({ seq, by }) => [seq, by]),
      [
        [2, BEN],
        [1, CAT],
      ],
    )
    assert.equal((await book.reports('plans', seen[1]?.id ?? 0, 2))[0]?.reason, 'rude')
    await Promise.all(Array.from({ length: 997 }, (_, at) => report(at + 3, BEN)))
    assert.equal(await report(5_000, CAT), 'full')
    await book.forgetUser(BEN.id)
    assert.equal((await book.reports('plans', 2, 1))[0]?.by.name, 'deleted user')
  })

  test('what was reported in rooms that nobody keeps is listed by itself, until it is dealt with', async (t) => {
    const { store, book, hear } = await open(t)
    await store.createRoom({ ...ROOM, roomId: 'nobodys' })
    const report = (roomId: string, seq: number) =>
      book.report(roomId, { seq, by: BEN, reason: 'rude', at: seq })
    for (const [roomId, seq] of [
      ['plans', 1],
      ['nobodys', 2],
      ['general', 3],
    ] as const)
      await report(roomId, seq)
    const listed = async (isAll: boolean, before = 99) =>
      (await book.openReports(before, 9, isAll)).map(({ roomId, visibility, seq }) => [
        roomId,
        visibility,
        seq,
      ])
    const both = [
      ['general', 'public', 3],
      ['nobodys', 'public', 2],
    ]
    assert.deepEqual(await listed(false), both)
    assert.deepEqual(await listed(true), [...both, ['plans', 'private', 1]])
    assert.deepEqual([await book.isKept('plans'), await book.isKept('general')], [true, false])
    await hear(2, 'leave', ANN)
    await hear(3, 'role', ANN, { user: CAT, role: 'moderator' })
    assert.ok(await book.isKept('plans'), 'by a moderator')
    const [latest] = await book.openReports(99, 1, false)
    assert.deepEqual(await listed(false, latest?.id), [both[1]])
    assert.deepEqual(
      [await book.forgetReport(latest?.id ?? 0), await book.forgetReport(latest?.id ?? 0)],
      [true, false],
    )
    assert.deepEqual(await listed(false), [both[1]])
  })

  test('who is no more is in no room', async (t) => {
    const { book, hear, roles } = await open(t)
    await hear(2, 'join', BEN)
    assert.deepEqual(await book.forgetUser(BEN.id), ['plans'])
    assert.deepEqual(await roles(), ['owner', undefined, undefined])
  })

  test('of who is no more no name is left, not even with what rooms were made as', async (t) => {
    const { folder, store, book } = await open(t)
    const zoe: User = { id: 'user:zoe', name: 'Zebulonia' }
    const made = { ...GENESIS, createdBy: zoe }
    await store.createRoom({ ...ROOM, roomId: 'hers', visibility: 'private', genesis: made })
    const { createdBy: _, ...nobodys } = GENESIS
    const people: [User, User] = [ANN, zoe]
    await store.createRoom({
      ...{ ...ROOM, roomId: 'two', visibility: 'direct' },
      genesis: { ...nobodys, visibility: 'direct', people },
    })
    await book.forgetUser(zoe.id)
    const gone = { id: zoe.id, name: 'deleted user' }
    assert.deepEqual((await store.room('hers'))?.genesis, { ...made, createdBy: gone })
    assert.deepEqual((await store.room('two'))?.genesis?.people, [ANN, gone])
    assert.deepEqual((await store.room('plans'))?.genesis, GENESIS)
    const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'))
    assert.ok(!bytes.join('').includes(zoe.name))
  })

  test('[B3] of a deleted room no byte is left but its id, and each server is to erase it', async (t) => {
    const { folder, store, book, hear, roles } = await open(t)
    await store.saveServer(SERVER)
    await store.saveServer({ ...SERVER, id: 'b' })
    await store.moveRoom('plans', 'a', 1)
    await hear(2, 'rename', ANN, { name: 'Xylophone' })
    await hear(3, 'topic', ANN, { topic: 'Yesteryear' })
    await hear(4, 'link', ANN, { hash: 'Zeppelin', until: 9 })
    await book.report('plans', { seq: 1, by: { id: 'user:dan', name: 'Quasimodo' }, reason: 'Walrus', at: 1 })
    const bytes = () =>
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'latin1'))
        .join('')
    for (const word of ['Xylophone', 'Yesteryear', 'Zeppelin', 'Walrus', 'Plans'])
      assert.ok(bytes().includes(word), word)
    await book.deleteRoom('plans')
    for (const word of ['Xylophone', 'Yesteryear', 'Zeppelin', 'Walrus', 'Quasimodo', 'Plans'])
      assert.ok(!bytes().includes(word), word)
    assert.equal(await store.room('plans'), undefined)
    assert.deepEqual(await roles(), [undefined, undefined, undefined])
    assert.deepEqual([await book.roomsOf(ANN.id, 9), await book.serversToErase('plans')], [[], ['a', 'b']])
    assert.deepEqual([await book.erasuresOf('a', 9), await book.erasuresOf('c', 9)], [['plans'], []])
    await book.erased('a', 'plans')
    assert.deepEqual([await book.erasuresOf('a', 9), await book.erasuresOf('b', 9)], [[], ['plans']])
    await book.erased('b', 'plans')
    await book.eraseAgain('a')
    assert.deepEqual([await book.erasuresOf('a', 9), await book.erasuresOf('b', 9)], [['plans'], []])
  })

  test('[B3] a deleted room never comes back: not by who makes one, holds it, or speaks of it late', async (t) => {
    const { store, book, hear, roles } = await open(t)
    await book.deleteRoom('plans')
    await hear(5, 'join', BEN)
    await book.compare('plans', { version: 9, facts: { name: 'x' }, roles: new Map([[BEN.id, 'member']]) })
    assert.equal(await store.createRoom({ ...ROOM, roomId: 'plans' }), false)
    assert.deepEqual(
      await store.adoptRooms('z', [{ room: 'plans', epoch: 9, head: 3, genesis: GENESIS }], 1),
      [],
    )
    assert.equal(await store.moveRoom('plans', 'z', 10), undefined)
    assert.deepEqual(
      [await store.room('plans'), await roles()],
      [undefined, [undefined, undefined, undefined]],
    )
    assert.deepEqual(await book.erasuresOf('z', 9), ['plans'])
  })
})
