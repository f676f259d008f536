import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { freshFolder, seeded } from '../../test/fleet.ts'
import type { HomeCandidate } from '../registry/registry.ts'
import { openDirectoryFile } from './directory-schema.ts'
import { ROOM, SERVER } from './directory-store.contract.ts'
import { decideHome, Placement, type Standing } from './placement.ts'
import { SqliteDirectoryStore } from './sqlite-directory-store.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

const random = seeded(1)
const candidate = (id: string, load = 0, rooms = 0): HomeCandidate => ({ id, load, rooms })
const decide = (candidates: HomeCandidate[], asker?: string, home?: string, standing: Standing = 'here') =>
  decideHome({ home, standing }, candidates, asker, random)

describe('where a room goes', () => {
  test('it stays where it is while that server is there', () => {
    assert.deepEqual(decide([candidate('b')], 'b', 'a'), { stays: 'a' })
    assert.deepEqual(decide([], undefined, 'a'), { stays: 'a' })
  })
  test('it goes when its home is gone or leaves, but never back there', () => {
    for (const standing of ['gone', 'leaving'] as const) {
      const candidates = [candidate('a'), candidate('b', 0.5)]
      assert.deepEqual(decide(candidates, undefined, 'a', standing), { moves: 'b' })
    }
  })
  test('it stays with a home that is gone when nobody else is there', () => {
    assert.deepEqual(decide([], 'a', 'a', 'gone'), { stays: 'a' })
    assert.deepEqual(decide([candidate('a')], 'a', 'a', 'leaving'), { stays: 'a' })
  })
  test('nobody there: nowhere', () => {
    assert.equal(decide([], 'a'), undefined)
  })
  test('a first home is the least loaded', () => {
    assert.deepEqual(decide([candidate('a', 0.5), candidate('b', 0.2), candidate('c', 0.4)]), { moves: 'b' })
    assert.deepEqual(decide([candidate('a', 0, 5), candidate('b', 0, 4)]), { moves: 'b' })
  })
  test('the asking server is preferred while it is near the least loaded', () => {
    assert.deepEqual(decide([candidate('a', 0.3), candidate('b', 0.2)], 'a'), { moves: 'a' })
    assert.deepEqual(decide([candidate('a', 0.31), candidate('b', 0.2)], 'a'), { moves: 'b' })
    assert.deepEqual(decide([candidate('a', 0, 8), candidate('b')], 'a'), { moves: 'a' })
    assert.deepEqual(decide([candidate('a', 0, 9), candidate('b')], 'a'), { moves: 'b' })
  })
  test('one that may not take rooms is not chosen for asking', () => {
    assert.deepEqual(decide([candidate('b')], 'a'), { moves: 'b' })
  })
})

/** A placement over a real directory, and servers whose rooms are counted. */
function start(t: TestContext, ids: readonly string[]) {
  const store = new SqliteDirectoryStore(openDirectoryFile(join(freshFolder(t), 'directory.db')))
  t.after(() => store.close())
  const rooms = new Map(ids.map((id) => [id, 0]))
  const standings = new Map<string, Standing>()
  const placement = new Placement(
    store,
    {
      homeCandidates: () => ids.map((id) => candidate(id, 0, rooms.get(id) ?? 0)),
      roomPlaced: (id) => void rooms.set(id, (rooms.get(id) ?? 0) + 1),
      standing: (id) => standings.get(id) ?? 'here',
      peer: (id) => (ids.includes(id) ? { id, url: `ws://${id}/ws`, host: id, port: 1 } : undefined),
    },
    random,
  )
  return { store, placement, rooms, standings }
}

describe('placement', () => {
  test('the first who asks gets a home of epoch 1, everybody later the same', async (t) => {
    const { placement } = start(t, ['a', 'b'])
    const first = await placement.place('general', 'b')
    assert.ok(typeof first !== 'string')
    assert.deepEqual(first, {
      isNew: true,
      placed: {
        ...{ room: 'general', epoch: 1, visibility: 'public', from: [] },
        home: { id: 'b', url: 'ws://b/ws', host: 'b', port: 1 },
      },
    })
    assert.deepEqual(await placement.place('general', 'a'), { ...first, isNew: false })
  })

  test('servers that ask at once are told the same home', async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 2, maxLength: 20 }),
        async (askers) => {
          const { placement, rooms } = start(t, ['a', 'b', 'c'])
          const outcomes = await Promise.all(askers.map((asker) => placement.place('general', asker)))
          const homes = outcomes.map((outcome) => typeof outcome !== 'string' && outcome.placed.home.id)
          assert.deepEqual(new Set(homes).size, 1)
          const counted = [...rooms.values()].reduce((sum, count) => sum + count, 0)
          assert.equal(counted, 1, 'and it counts as one room')
        },
      ),
      { numRuns: 10 },
    )
  })

  test('500 rooms asked for at once by one server are spread over all', async (t) => {
    const { placement, rooms, store } = start(t, ['a', 'b', 'c', 'd'])
    const roomIds = Array.from({ length: 500 }, (_, at) => `r${at}`)
    await Promise.all(roomIds.map((roomId) => store.createRoom({ ...ROOM, roomId })))
    await Promise.all(roomIds.map((roomId) => placement.place(roomId, 'a')))
    const homes = await Promise.all(roomIds.map(async (roomId) => (await store.room(roomId))?.home))
    const counts = [...Map.groupBy(homes, (home) => home).values()].map(({ length }) => length)
    assert.ok(counts.length === 4 && Math.max(...counts) <= 125 + 8, counts.join(' '))
    assert.deepEqual([...rooms.values()].sort(), counts.sort())
  })

  test('a room that nobody made has no home', async (t) => {
    const { placement } = start(t, ['a'])
    assert.equal(await placement.place('nowhere'), 'no_such_room')
  })

  test('without any server there is no home yet, and later there is', async (t) => {
    const ids: string[] = []
    const { placement } = start(t, ids)
    assert.equal(await placement.place('general'), 'no_server')
    ids.push('a')
    assert.notEqual(await placement.place('general'), 'no_server')
  })

  test('a home that is long gone from the registry is found in the directory, with its address', async (t) => {
    const { placement, store } = start(t, ['b'])
    await store.saveServer(SERVER)
    await store.moveRoom('general', 'a', 4)
    const outcome = await placement.place('general', 'b')
    assert.ok(typeof outcome !== 'string')
    assert.deepEqual(outcome.placed.home, { id: 'a', url: SERVER.url, host: 'h', port: 1 })
    assert.equal(outcome.placed.epoch, 4)
  })

  test('a room that was moved names where it was, for its new home to fetch it', async (t) => {
    const { placement, store } = start(t, ['b'])
    await store.saveServer(SERVER)
    await store.raiseWatermarks(new Map([['a', 17]]))
    await store.moveRoom('general', 'a', 1)
    await store.moveRoom('general', 'b', 2)
    const outcome = await placement.place('general')
    assert.ok(typeof outcome !== 'string')
    assert.deepEqual(outcome.placed.from, [{ id: 'a', dataDir: '/data/a', watermark: 17 }])
  })

  test('a room whose home is gone gets the next epoch, and everybody who may hold it is named', async (t) => {
    const { placement, standings, store } = start(t, ['a', 'b', 'c'])
    await placement.place('general', 'a')
    standings.set('a', 'gone')
    const second = await placement.place('general', 'b')
    assert.ok(typeof second !== 'string')
    assert.deepEqual([second.placed.home.id, second.placed.epoch, second.isNew], ['b', 2, true])
    assert.equal(second.formerHome, 'a')
    assert.deepEqual(second.placed.from, [{ id: 'a' }])
    standings.set('b', 'gone')
    const third = await placement.place('general', 'c')
    assert.ok(typeof third !== 'string')
    assert.deepEqual([third.placed.home.id, third.placed.epoch], ['c', 3])
    assert.deepEqual(third.placed.from, [{ id: 'a' }, { id: 'b' }])
    await store.adoptRooms('c', [{ room: 'general', epoch: 3, head: 0 }], 0)
    const later = await placement.place('general', 'a')
    assert.deepEqual(typeof later !== 'string' && later.placed.from, [])
  })

  test('a home that asks is there, whatever the registry thinks; one that leaves gets a successor', async (t) => {
    const { placement, standings } = start(t, ['a', 'b'])
    await placement.place('general', 'a')
    standings.set('a', 'gone')
    const same = await placement.place('general', 'a')
    assert.ok(typeof same !== 'string' && same.placed.home.id === 'a')
    const left = await placement.place('general', 'a', true)
    assert.ok(typeof left !== 'string')
    assert.deepEqual([left.placed.home.id, left.placed.epoch], ['b', 2])
  })
})
