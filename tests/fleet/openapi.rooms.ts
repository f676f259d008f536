// Rooms and their people, and every call about a room by each of them.
import assert from 'node:assert/strict'
import type { Fleet, Tester } from './api-tester.ts'
import { callsAbout, HASH, ON_SOMEBODY, room, type Person } from './openapi.calls.ts'
import { RawClient } from './raw-client.ts'

export interface Scene {
  olga: Tester
  mo: Tester
  sam: Tester
  /** Private, of Olga, with Mo as a member. */
  roomId: string
}

export async function roomsOf(stranger: () => Tester, { urls }: Fleet): Promise<Scene> {
  const [olga, mo, sam] = await Promise.all(['olga', 'mo', 'sam'].map((name) => stranger().signUp(name)))
  assert.ok(olga && mo && sam)
  const guest = await stranger().logIn('gus')
  const make = async (name: string, visibility = 'private') =>
    String((await olga.does('post /api/rooms', { name, visibility }))['roomId'])
  const nobody = { id: 'user:nobody', name: 'nobody-of-that-name' }
  const roomId = await make('Plans')
  const parts = { roomId }

  await olga.does('get /api/rooms')
  await olga.call('post /api/rooms', { name: ' \u202e ' })
  await guest.call('post /api/rooms', { name: 'Mine', visibility: 'private' })
  await everythingIn(sam, roomId, mo)
  await everythingIn(guest, await make('Open', 'public'), mo)

  const act = (name: string, body?: unknown, who = olga) =>
    who.call(`post ${room(`/${name}`)}`, body, { parts })
  const does = (name: string, body?: unknown, who = olga) =>
    who.does(`post ${room(`/${name}`)}`, body, { parts })
  await does('invite', { username: 'mo' })
  await does('uninvite', { user: mo.id })
  await does('invite', { username: 'mo' })
  await does('join', {}, mo)
  for (const name of Object.keys(ON_SOMEBODY)) await act(name, ON_SOMEBODY[name]?.(sam.id))
  await act('invite', { username: 'mo' })
  await act('join', {}, mo)
  await act('leave')
  await everythingIn(mo, await sharedRoom(olga, mo, make), olga)
  for (const [name, bodyOn] of Object.entries(ON_SOMEBODY)) await act(name, bodyOn(nobody.id))
  await act('invite', { username: nobody.name })

  await olga.does(`get ${room()}`, undefined, { parts })
  await olga.does(`post ${room()}`, undefined, { parts })
  await olga.does(`patch ${room()}`, { topic: 'What to do', name: 'Our plans' }, { parts })
  await olga.call(`patch ${room()}`, { name: ' \u202e ' }, { parts })
  await does('mute', { user: mo.id, minutes: 5 })
  await does('unmute', { user: mo.id })
  await does('role', { user: mo.id, role: 'moderator' })
  // The time of servers does not stand still.
  const { hash } = await olga.does(`post ${room('/links')}`, { expiresInMs: 3_600_000 }, { parts })
  await olga.does(`get ${room('/links')}`, undefined, { parts })
  await olga.does(`delete ${room('/links/{hash}')}`, undefined, { parts: { roomId, hash: String(hash) } })
  await olga.call(`delete ${room('/links/{hash}')}`, undefined, { parts: { roomId, hash: 'none' } })
  for (const list of ['/members', '/audit', '/reports']) {
    await olga.does(`get ${room(list)}`, undefined, { parts })
    await olga.call(`get ${room(list)}`, undefined, { parts, query: '?limit=many&after=%00&before=x' })
  }
  const client = await RawClient.openAs(urls[0] ?? '', (mo.headers['authorization'] ?? '').slice(7))
  await client.join(roomId)
  const seq = await client.sendUntilAcked(roomId, 'a', 'something rude')
  client.close()
  await olga.does(`post ${room('/reports')}`, { seq, reason: 'rude' }, { parts })
  await olga.call(`post ${room('/reports')}`, { seq: 9_999, reason: 'rude' }, { parts })
  await olga.does(`get ${room('/export')}`, undefined, { parts })
  await olga.does('get /api/me/export')
  await guest.call('get /api/me/export')

  await does('ban', { user: mo.id })
  await act('invite', { username: 'mo' })
  await does('unban', { user: mo.id })
  const shut = { roomId: await make('Shut to Mo', 'public') }
  await olga.does(`post ${room('/ban')}`, { user: mo.id }, { parts: shut })
  await mo.call(`post ${room('/preview')}`, {}, { parts: shut })
  const handed = await make('To hand over')
  await olga.does(`post ${room('/invite')}`, { username: 'mo' }, { parts: { roomId: handed } })
  await mo.does(`post ${room('/join')}`, {}, { parts: { roomId: handed } })
  await olga.does(`post ${room('/owner')}`, { user: mo.id }, { parts: { roomId: handed } })
  await olga.does(`post ${room('/leave')}`, undefined, { parts: { roomId: handed } })
  await mo.does(`patch ${room()}`, { archived: true }, { parts: { roomId: handed } })
  await mo.call(`patch ${room()}`, { archived: true, topic: 'x' }, { parts: { roomId: handed } })
  await mo.call(`post ${room('/reports')}`, { seq: 1, reason: 'x' }, { parts: { roomId: handed } })
  await mo.call(`post ${room('/links')}`, { expiresInMs: 60_000 }, { parts: { roomId: handed } })
  await mo.does(`delete ${room()}`, undefined, { parts: { roomId: handed } })
  await does('invite', { username: 'mo' })
  await does('join', {}, mo)
  await does('remove', { user: mo.id })
  await does('invite', { username: 'mo' })
  await does('join', {}, mo)

  await olga.does('post /api/direct', { username: 'mo' })
  await olga.call('post /api/direct', { username: nobody.name })
  await olga.call('post /api/direct', { username: 'olga' })
  await guest.call('post /api/direct', { username: 'mo' })
  return { olga, mo, sam, roomId }
}

/** Every call about a room, as somebody would make it who names this person in it. */
async function everythingIn(who: Tester, roomId: string, person: Person): Promise<void> {
  const parts = { roomId, hash: HASH }
  for (const [call, body] of callsAbout(person)) await who.call(call, body, { parts })
}

/** A room of hers with him as a member. */
async function sharedRoom(
  olga: Tester,
  mo: Tester,
  make: (name: string) => Promise<string>,
): Promise<string> {
  const roomId = await make('Shared')
  await olga.does(`post ${room('/invite')}`, { username: 'mo' }, { parts: { roomId } })
  await mo.does(`post ${room('/join')}`, {}, { parts: { roomId } })
  return roomId
}
