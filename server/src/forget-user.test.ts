import assert from 'node:assert/strict'
import { test } from 'node:test'
import { roomCalls } from './room-calls.ts'
import { openTwoServers } from './test/two-servers.ts'

test('a server that is told of a removed account takes the name out of rooms that are homed elsewhere by now', async () => {
  const { world, clock, a, b, stores } = openTwoServers()
  const user = { id: 'user:ivo', name: 'ivo' }
  a.open('r')
  await clock.pass(100)
  a.open('r').home!.accept({ type: 'message', id: '1', user, text: 'mine' }, () => {})
  await clock.pass(100)
  Object.assign(world, { home: 'b', epoch: 2 })
  b.open('r')
  await clock.pass(5_000)
  assert.deepEqual([a.open('r').home, b.open('r').home?.epoch], [undefined, 2])
  const namesAt = async (id: string) =>
    (await stores.get(id)!.read('r', { after: 0 }, 10)).map((entry) => entry.user.name)
  const tell = async (rooms: typeof a, id: string) => {
    const calls = roomCalls({ rooms, store: stores.get(id)!, now: () => clock.now() })
    const call = calls.find(({ path }) => path === 'forget-user')!
    const telling = call.perform({ params: {}, body: { user: { ...user, name: 'deleted user' } } })
    await clock.pass(1_000)
    assert.deepEqual(await telling, { ok: {} })
  }
  await tell(a, 'a')
  assert.deepEqual([await namesAt('a'), await namesAt('b')], [['deleted user'], ['ivo']])
  await tell(b, 'b')
  assert.deepEqual(await namesAt('b'), ['deleted user', 'deleted user'])
})
