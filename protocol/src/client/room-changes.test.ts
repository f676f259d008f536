import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RoomView, SystemEntry, User } from '../frames.ts'
import { foldView } from './room-view.ts'
import { ANNA, BERT, joined, message } from './test/peer.ts'
import { ack, error, liveStage } from './test/stage.ts'

const system = (seq: number, user: User, event: string, data?: object): SystemEntry => ({
  ...{ type: 'system', room: 'general', seq, id: `s${seq}`, user, event, ts: seq },
  data,
})

describe('what changes messages', { timeout: 120_000 }, () => {
  test('[S12] [R9] edits, deletions and reactions go out in order with the sends, and are shown until they are done', async (t) => {
    const { line, room, seen } = await liveStage(t)
    line.say(message(1))
    await seen.until(() => seen.entries.length === 1)
    const sent = room.send('hello', { id: 'x' })
    const changes = [room.edit(1, 'better'), room.react(1, '👍', true), room.delete(1)]
    const [edit, react, deletion] = changes.map(({ id }) => id)
    assert.deepEqual(room.pending, [sent])
    assert.deepEqual(room.changes, changes)
    await line.next('send')
    assert.partialDeepStrictEqual(await line.next('edit'), {
      id: edit,
      target: 1,
      text: 'better',
      after: 'x',
    })
    assert.partialDeepStrictEqual(await line.next('react'), {
      id: react,
      target: 1,
      emoji: '👍',
      on: true,
      after: edit,
    })
    assert.partialDeepStrictEqual(await line.next('delete'), { id: deletion, target: 1, after: react })
    const entry = { room: 'general', user: ANNA, ts: 1, target: 1 } as const
    line.say({ ...entry, type: 'edit', seq: 2, id: edit!, text: 'better' }, ack(react!, 3))
    await seen.until(() => seen.acks.length === 2)
    assert.deepEqual(
      room.changes.map(({ id }) => id),
      [react, deletion],
      'the entry of the reaction has not come yet',
    )
  })

  test('[R9] [R13] on another connection they go out again under their ids', async (t) => {
    const { peer, line, room } = await liveStage(t)
    const { id } = room.edit(1, 'better')
    await line.next('edit')
    line.cut()
    const again = await peer.connection(1)
    again.say(joined({ ref: (await again.next('join')).ref! }))
    assert.equal((await again.next('edit')).id, id)
  })

  test('one that is refused stays with its code, and what cannot be sent is not', async (t) => {
    const { line, room, seen } = await liveStage(t)
    room.edit(1, 'x'.repeat(5_000))
    room.edit(1, ' ')
    const { id } = room.delete(7)
    line.say(error('no_such_message', await line.next('delete')))
    await seen.until(() => room.changes.every(({ state }) => state === 'failed'))
    assert.deepEqual(
      room.changes.map(({ code }) => code),
      ['too_long', 'bad_message', 'no_such_message'],
    )
    room.discard(id)
    assert.equal(room.changes.length, 2)
  })
})

describe('somebody who is in the room no more', { timeout: 120_000 }, () => {
  test('[J9] [R17] is told why, gives up what he had not sent, and does not come back by himself', async (t) => {
    const { peer, line, room, seen, client } = await liveStage(t)
    room.send('unheard', { id: 'x' })
    await line.next('send')
    line.say({ type: 'left', room: 'general', reason: 'removed' }, message(1))
    await seen.until(() => room.state.status === 'left')
    assert.equal(room.state.reason, 'removed')
    assert.deepEqual(
      room.pending.map(({ state, code }) => [state, code]),
      [['failed', 'not_joined']],
    )
    assert.equal(room.send('again').state, 'failed')
    assert.deepEqual(seen.entries, [])
    const other = client.room('other')
    await line.next('join')
    line.cut()
    const again = await peer.connection(1)
    assert.equal((await again.next('join')).room, 'other')
    other.leave()
    assert.notEqual(client.room('general'), room)
    assert.equal((await again.next('join')).room, 'general', 'he may ask for it again')
  })

  test('an answer to his own leave has no reason, and ends nothing', async (t) => {
    const { line, room, seen } = await liveStage(t)
    line.say({ type: 'left', room: 'general' }, message(1))
    await seen.until(() => seen.entries.length === 1)
    assert.equal(room.state.status, 'live')
  })
})

describe('what a room is to its client', { timeout: 120_000 }, () => {
  test('[J1] it is what `joined` said, and what has happened since; not what happened before', async (t) => {
    const { peer, line, room, seen } = await liveStage(t)
    line.cut()
    const again = await peer.connection(1)
    const { ref } = await again.next('join')
    const told = { name: 'hall', visibility: 'private', role: 'member' } as const
    again.say(joined({ ref: ref!, head: 1, ...told }), system(1, BERT, 'rename', { name: 'older' }))
    await seen.until(() => seen.entries.length === 1)
    assert.deepEqual(room.state.view, told)
    again.say(system(2, BERT, 'rename', { name: 'lobby' }))
    await seen.until(() => seen.entries.length === 2)
    assert.deepEqual(room.state.view, { ...told, name: 'lobby' })
  })

  test('each entry changes what it is about, and nothing else', () => {
    const view: RoomView = {
      name: 'n',
      topic: 't',
      visibility: 'private',
      role: 'member',
      archived: true,
      slowMs: 5,
    }
    const after = (user: User, event: string, data?: object, from = view) =>
      foldView(from, system(1, user, event, data), ANNA.id)
    const { role: _, ...visitor } = view
    const { topic: __, ...topicless } = view
    const { archived: ___, ...open } = view
    const { slowMs: ____, ...fast } = view
    const owner: RoomView = { ...view, role: 'owner' }
    assert.deepEqual(after(BERT, 'rename', { name: 'm' }), { ...view, name: 'm' })
    assert.deepEqual(after(BERT, 'topic', { topic: '' }), topicless)
    assert.deepEqual(after(BERT, 'topic', { topic: 'u' }), { ...view, topic: 'u' })
    assert.deepEqual(after(BERT, 'unarchive'), open)
    assert.deepEqual(after(BERT, 'archive', {}, open), view)
    assert.deepEqual(after(BERT, 'slow', { everyMs: 0 }), fast)
    assert.deepEqual(after(BERT, 'role', { user: ANNA, role: 'moderator' }), { ...view, role: 'moderator' })
    assert.deepEqual(after(BERT, 'owner', { user: ANNA }), owner)
    assert.deepEqual(after(ANNA, 'owner', { user: BERT }, owner), { ...view, role: 'moderator' })
    assert.deepEqual(after(BERT, 'remove', { user: ANNA }), visitor)
    assert.deepEqual(after(ANNA, 'leave'), visitor)
    assert.deepEqual(after(ANNA, 'join', {}, visitor), view)
    const muted: RoomView = { ...view, mutedUntil: 9 }
    assert.deepEqual(after(BERT, 'mute', { user: ANNA, until: 9 }), muted)
    assert.deepEqual(after(BERT, 'unmute', { user: ANNA }, muted), view)
    assert.equal(after(ANNA, 'unmute', { user: BERT }, muted), muted)
    for (const event of ['join', 'leave', 'damaged', 'mute']) assert.equal(after(BERT, event), view, event)
    assert.equal(after(ANNA, 'remove', { user: BERT }), view)
  })
})
