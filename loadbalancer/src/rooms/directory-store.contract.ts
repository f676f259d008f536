import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { directRoomId } from './direct-room.ts'
import { GENERAL, type DirectoryStore, type NewRoom, type ServerRecord } from './directory-store.ts'

export const SERVER: ServerRecord = {
  ...{ id: 'a', url: 'ws://h:1/ws', host: 'h', port: 1, capacity: 10, inc: 'a-1' },
  ...{ dataDir: '/data/a', heardAt: 1_000 },
}
export const ROOM: NewRoom = {
  ...{ roomId: 'r1', name: 'Tea', visibility: 'public', createdAt: 5, createdBy: 'guest:ann' },
}

export const GENESIS: Genesis = {
  ...{ name: 'Plans', visibility: 'private', createdAt: 4, createdBy: { id: 'user:ann', name: 'Ann' } },
}

/** `open` twice in one test opens the same directory again, as a later run of the process would. */
export function describeDirectoryStore(name: string, openFor: (t: TestContext) => () => DirectoryStore) {
  describe(`${name} keeps the DirectoryStore contract`, () => {
    test('[D1] all that was written is there for the next run', async (t) => {
      const open = openFor(t)
      const before = open()
      await before.saveServer(SERVER)
      await before.createRoom(ROOM)
      await before.moveRoom('r1', 'a', 1)
      await before.raiseWatermarks(new Map([['a', 7]]))
      before.close()
      const after = open()
      t.after(() => after.close())
      assert.deepEqual(await after.room('r1'), { ...ROOM, home: 'a', epoch: 1, holders: ['a'] })
      assert.deepEqual(await after.server('a'), SERVER)
      assert.equal(await after.watermark('a'), 7)
    })

    test('[D2] a move to the epoch that holds, or a lower one, changes nothing and tells who is home', async (t) => {
      const store = openFor(t)()
      t.after(() => store.close())
      await store.createRoom(ROOM)
      const moves = await Promise.all([store.moveRoom('r1', 'a', 1), store.moveRoom('r1', 'b', 1)])
      assert.deepEqual(
        moves.map((room) => room?.home),
        ['a', 'a'],
      )
      const moved = await store.moveRoom('r1', 'b', 2)
      assert.deepEqual([moved?.home, moved?.epoch, moved?.holders], ['b', 2, ['a', 'b']])
      assert.equal((await store.moveRoom('r1', 'c', 1))?.home, 'b')
      assert.equal(await store.moveRoom('nowhere', 'a', 1), undefined)
    })

    test('[D2] what servers hold is learnt where it is unknown or newer, and never lowers an epoch', async (t) => {
      const store = openFor(t)()
      t.after(() => store.close())
      const held = (room: string, epoch: number) => ({ room, epoch, head: 0 })
      assert.deepEqual(await store.adoptRooms('a', [held('lost', 3), held(GENERAL, 2)], 9), ['lost', GENERAL])
      assert.deepEqual(await store.room('lost'), {
        ...{ roomId: 'lost', name: 'lost', visibility: 'public', createdAt: 9, createdBy: undefined },
        ...{ home: 'a', epoch: 3, holders: ['a'] },
      })
      assert.deepEqual(await store.adoptRooms('b', [held('lost', 2), held(GENERAL, 2)], 9), [])
      assert.equal((await store.room('lost'))?.home, 'a')
      assert.deepEqual(await store.adoptRooms('b', [held('lost', 4)], 9), ['lost'])
      const room = await store.room('lost')
      assert.deepEqual([room?.home, room?.epoch, room?.name], ['b', 4, 'lost'])
    })

    test('[D5] what servers hold of private rooms is learnt as private, with its owner, and is never listed', async (t) => {
      const store = openFor(t)()
      t.after(() => store.close())
      const hold = (room: string, epoch: number, made?: Genesis) =>
        store.adoptRooms('a', [{ room, epoch, head: 0, ...(made ? { genesis: made } : {}) }], 9)
      assert.deepEqual(await hold('secret', 3, GENESIS), ['secret'])
      assert.deepEqual(await store.room('secret'), {
        ...{ roomId: 'secret', name: 'Plans', visibility: 'private', createdAt: 4, createdBy: 'user:ann' },
        ...{ home: 'a', epoch: 3, holders: ['a'], genesis: GENESIS },
      })
      // Learnt from one that does not know it, then from one that does; and not the other way round.
      await hold('late', 1)
      assert.equal((await store.room('late'))?.visibility, 'public')
      await hold('late', 1, GENESIS)
      await hold('secret', 4)
      for (const room of ['late', 'secret']) assert.equal((await store.room(room))?.visibility, 'private')
      assert.deepEqual(
        (await store.publicRooms(10)).map(({ roomId }) => roomId),
        [GENERAL],
      )
      assert.deepEqual(
        [await store.publicHome('secret'), await store.publicHome(GENERAL)],
        [undefined, undefined],
      )
      await hold(GENERAL, 2, GENESIS)
      assert.deepEqual(
        [(await store.room(GENERAL))?.visibility, await store.publicHome(GENERAL)],
        ['public', 'a'],
      )
    })

    test('[D5] an id of a room between two is learnt only as one', async (t) => {
      const store = openFor(t)()
      t.after(() => store.close())
      const room = directRoomId('secret', 'user:ann', 'user:ben')
      assert.equal(room, directRoomId('secret', 'user:ben', 'user:ann'))
      assert.notEqual(room, directRoomId('another', 'user:ann', 'user:ben'))
      const held = { room, epoch: 1, head: 0 }
      const people: Genesis['people'] = [
        { id: 'user:ann', name: 'Ann' },
        { id: 'user:ben', name: 'Ben' },
      ]
      for (const genesis of [undefined, GENESIS])
        assert.deepEqual(await store.adoptRooms('a', [{ ...held, ...(genesis ? { genesis } : {}) }], 9), [])
      assert.equal(await store.room(room), undefined)
      const genesis: Genesis = { name: '', visibility: 'direct', createdAt: 4, people }
      assert.deepEqual(await store.adoptRooms('a', [{ ...held, genesis }], 9), [room])
      assert.equal((await store.room(room))?.visibility, 'direct')
    })

    test('everybody who may hold a room is remembered until its home says that it has all of it', async (t) => {
      const store = openFor(t)()
      t.after(() => store.close())
      await store.createRoom(ROOM)
      await store.moveRoom('r1', 'a', 1)
      await store.moveRoom('r1', 'b', 2)
      await store.moveRoom('r1', 'c', 3)
      assert.deepEqual((await store.moveRoom('r1', 'a', 4))?.holders, ['b', 'c', 'a'])
      // One that was home before knows nothing of what came since.
      assert.deepEqual(await store.adoptRooms('c', [{ room: 'r1', epoch: 3, head: 9 }], 9), [])
      assert.deepEqual((await store.room('r1'))?.holders, ['b', 'c', 'a'])
      assert.deepEqual(await store.adoptRooms('a', [{ room: 'r1', epoch: 4, head: 9 }], 9), [])
      assert.deepEqual((await store.room('r1'))?.holders, ['a'])
    })

    test('[D3] general exists from the start, for everybody', async (t) => {
      const store = openFor(t)()
      t.after(() => store.close())
      const general = await store.room(GENERAL)
      assert.deepEqual([general?.visibility, general?.home, general?.epoch], ['public', undefined, 0])
      assert.equal(await store.createRoom({ ...ROOM, roomId: GENERAL }), false)
    })

    test('[D4] a watermark never falls', async (t) => {
      const store = openFor(t)()
      t.after(() => store.close())
      await store.saveServer(SERVER)
      assert.equal(await store.watermark('a'), undefined)
      for (const commitNo of [5, 9, 7]) await store.raiseWatermarks(new Map([['a', commitNo]]))
      await store.saveServer({ ...SERVER, inc: 'a-2' })
      assert.equal(await store.watermark('a'), 9)
    })

    test('an id is given once', async (t) => {
      const store = openFor(t)()
      t.after(() => store.close())
      const made = await Promise.all([store.createRoom(ROOM), store.createRoom({ ...ROOM, name: 'Coffee' })])
      assert.deepEqual(made, [true, false])
      assert.equal((await store.room('r1'))?.name, 'Tea')
    })

    test('the list shows general, then public rooms, the newest first', async (t) => {
      const store = openFor(t)()
      t.after(() => store.close())
      await store.createRoom({ ...ROOM, roomId: 'old', createdAt: 1 })
      await store.createRoom({ ...ROOM, roomId: 'new', createdAt: 2 })
      await store.createRoom({ ...ROOM, roomId: 'secret', createdAt: 3, visibility: 'private' })
      const ids = async (limit: number) => (await store.publicRooms(limit)).map(({ roomId }) => roomId)
      assert.deepEqual(await ids(10), [GENERAL, 'new', 'old'])
      assert.deepEqual(await ids(2), [GENERAL, 'new'])
    })

    test('servers are found by when they registered last', async (t) => {
      const store = openFor(t)()
      t.after(() => store.close())
      await store.saveServer(SERVER)
      await store.saveServer({ ...SERVER, id: 'b', dataDir: undefined, heardAt: 2_000 })
      const ids = async (since: number) => (await store.serversSince(since)).map(({ id }) => id)
      assert.deepEqual([await ids(1_001), (await ids(0)).sort()], [['b'], ['a', 'b']])
      assert.equal(await store.server('c'), undefined)
    })
  })
}
