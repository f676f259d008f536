import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ChatError,
  type ChatRoom,
  type PendingSend,
  type RoomListeners,
  type RoomState,
} from '@flotilla/protocol/client/client.ts'
import type { PendingChange } from '@flotilla/protocol/client/outbox.ts'
import { FakeClock } from '@flotilla/protocol/client/test/fake-clock.ts'
import type { Entry, User } from '@flotilla/protocol/frames.ts'
import { RoomFeed } from './room-feed.ts'

const ANA = { id: 'guest:ana', name: 'ana' }
const BO = { id: 'guest:bo', name: 'bo' }

function said(seq: number, user: User = BO, text = `text ${seq}`): Entry {
  return { type: 'message', room: 'r', seq, id: `i${seq}`, user, text, ts: Date.now() }
}
const messages = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => said(from + index))

/** A room without a line: the test says what comes in. */
class StillRoom {
  readonly id = 'r'
  state: RoomState = { status: 'joining', head: 0, first: 0, members: [], count: 0 }
  pending: PendingSend[] = []
  changes: PendingChange[] = []
  listeners: RoomListeners = {}
  pages: Entry[][] = []
  isFull = false

  listen(listeners: RoomListeners) {
    this.listeners = listeners
    return () => (this.listeners = {})
  }
  join(head: number, first: number) {
    this.state = { status: 'live', log: 'l', head, first, members: [ANA], count: 1 }
    this.listeners.change?.()
  }
  say(status: RoomState['status']) {
    this.state = { ...this.state, status }
    this.listeners.change?.()
  }
  receive(entries: Entry[]) {
    this.state = { ...this.state, head: Math.max(this.state.head, entries.at(-1)?.seq ?? 0) }
    this.listeners.entries?.(entries)
    this.listeners.change?.() // the head is another one
  }
  send(text: string) {
    const send: PendingSend = { id: `own ${text}`, text, state: 'sending', at: 0 }
    if (this.isFull) return { ...send, state: 'failed', code: 'busy' }
    this.pending = [...this.pending, send]
    this.listeners.change?.()
    return send
  }
  async history() {
    const entries = this.pages.shift()
    if (!entries) throw new ChatError('busy')
    return { entries, done: entries[0]?.seq === 1 }
  }
  retry() {}
  /** Those that went out stay. */
  out = new Set<string>()
  discard(id: string) {
    this.changes = this.changes.filter((change) => change.id !== id || this.out.has(id))
  }
  react(target: number, emoji: string, on: boolean) {
    const change = { type: 'react', target, emoji, on } as const
    const id = `change ${(this.#made += 1)}`
    this.changes = [...this.changes, { id, text: '', at: 0, state: 'sending', change }]
    this.listeners.change?.()
  }
  #made = 0
  typing() {}
  leave() {}
}

const settled = () => new Promise(setImmediate)

function open() {
  const room = new StillRoom()
  const clock = new FakeClock()
  const feed = new RoomFeed(room as unknown as ChatRoom, ANA, (text) => text.includes('ana'), {
    clock,
    random: () => 0.5,
  })
  let shown = 0
  feed.subscribe(() => (shown += 1))
  return { room, feed, clock, draws: () => shown }
}
const reacted = (seq: number, user: User, on: boolean): Entry => ({
  ...{ type: 'react', room: 'r', seq, id: `i${seq}`, user, target: 1, emoji: '👍', on, ts: Date.now() },
})
const reactionsOf = (feed: RoomFeed, seq: number) =>
  feed
    .read()
    .rows.flatMap((row) => (row.kind === 'message' && row.message.seq === seq ? [row.message] : []))[0]
    ?.reactions
const texts = (feed: RoomFeed) =>
  feed
    .read()
    .rows.flatMap((row) =>
      row.kind === 'message' ? [row.message.text] : row.kind === 'own' ? [row.send.text] : [],
    )

describe('the feed of a room', () => {
  test('a thousand entries in one frame are one snapshot', () => {
    const { room, feed, draws } = open()
    room.join(0, 1)
    const before = draws()
    room.receive(messages(1, 1_000))
    assert.equal(draws() - before, 1)
    room.listeners.change?.()
    assert.equal(draws() - before, 1, 'what is shown already is not shown again')
    assert.equal(texts(feed).length, 1_000)
  })

  test('who types or comes leaves the rows the very same', () => {
    const { room, feed } = open()
    room.join(3, 1)
    room.receive(messages(1, 3))
    const { rows } = feed.read()
    room.listeners.typing?.(BO)
    assert.deepEqual(feed.read().typing, ['bo'])
    room.state = { ...room.state, members: [ANA, BO], count: 2 }
    room.listeners.change?.()
    assert.equal(feed.read().count, 2)
    assert.equal(feed.read().rows, rows)
    room.receive([said(4)])
    assert.deepEqual(feed.read().typing, [])
    feed.close()
  })

  test('what was said before one came is read; what comes while one is elsewhere is counted, and named if it names one', () => {
    const { room, feed } = open()
    room.join(50, 1)
    room.receive(messages(1, 50))
    assert.equal(feed.read().unread, 0)
    room.receive([said(51), said(52, ANA, 'my own'), said(53, BO, 'ana!')])
    assert.equal(feed.read().unread, 2)
    assert.equal(feed.read().isNamed, true)
    feed.setOpen(true)
    assert.equal(feed.read().unread, 0)
    feed.setAtEnd(false)
    room.receive([said(54)])
    assert.equal(feed.read().unread, 1)
    feed.setAtEnd(true)
    assert.equal(feed.read().unread, 0)
  })

  test('coming back, a line stands before what is new, and goes when one answers', () => {
    const { room, feed } = open()
    feed.setOpen(true)
    room.join(2, 1)
    room.receive(messages(1, 2))
    feed.setOpen(false)
    room.receive([said(3)])
    feed.setOpen(true)
    const kinds = () => feed.read().rows.map(({ kind }) => kind)
    assert.deepEqual(kinds(), ['beginning', 'day', 'message', 'message', 'unread', 'message'])
    feed.send('hello')
    assert.ok(!kinds().includes('unread'))
  })

  test("one's own message is there at once, stays over its ack, and is there once when its entry comes", () => {
    const { room, feed } = open()
    room.join(0, 1)
    feed.send('hello')
    assert.deepEqual(texts(feed), ['hello'])
    room.pending = []
    room.listeners.change?.()
    assert.deepEqual(texts(feed), ['hello'])
    room.receive([{ ...said(1, ANA, 'hello'), id: 'own hello' }])
    assert.deepEqual(texts(feed), ['hello'])
    assert.equal(feed.read().rows.at(-1)?.kind, 'message')
  })

  test('what the room cannot take is not taken from its writer either', () => {
    const { room, feed } = open()
    room.join(0, 1)
    assert.equal(feed.hasUnsaid, false)
    feed.keepDraft('hel')
    assert.equal(feed.hasUnsaid, true)
    feed.keepDraft('')
    room.isFull = true
    assert.equal(feed.send('hello'), false)
    assert.deepEqual(texts(feed), [])
    room.isFull = false
    assert.equal(feed.send('hello'), true)
    assert.equal(feed.hasUnsaid, true)
    room.pending = []
    room.listeners.change?.()
    assert.equal(feed.hasUnsaid, false)
  })

  test('pages of history go above, one at a time', async () => {
    const { room, feed } = open()
    room.join(250, 201)
    room.receive(messages(201, 250))
    room.pages = [messages(101, 200), messages(1, 100)]
    await Promise.all([feed.loadOlder(), feed.loadOlder()])
    assert.equal(texts(feed).length, 150)
    await feed.loadOlder()
    assert.equal(feed.read().complete, true)
    assert.equal(texts(feed)[0], 'text 1')
  })

  test('a page that is refused for now, or cut off, comes by itself: nobody has to scroll for it', async () => {
    const { room, feed, clock } = open()
    room.join(250, 201)
    room.receive(messages(201, 250))
    await feed.loadOlder()
    assert.equal(feed.read().older, 'loading')
    room.pages = [messages(101, 200)]
    clock.next()
    await settled()
    assert.equal(texts(feed).length, 150)

    await feed.loadOlder()
    room.say('recovering')
    assert.deepEqual([feed.read().older, clock.pending], ['idle', []])
    room.pages = [messages(1, 100)]
    room.say('live')
    await settled()
    assert.equal(texts(feed).length, 250)
    assert.equal(feed.read().older, 'idle')
  })

  test('a reset drops what is shown, and a page of the old log is not added to the new one', async () => {
    const { room, feed } = open()
    room.join(250, 201)
    room.receive(messages(201, 250))
    room.pages = [messages(101, 200)]
    const page = feed.loadOlder()
    room.listeners.reset?.()
    room.receive(messages(201, 203))
    await page
    assert.deepEqual(texts(feed), ['text 201', 'text 202', 'text 203'])
  })

  test('whoever follows the end for long keeps a bounded number of messages', () => {
    const { room, feed } = open()
    feed.setOpen(true)
    room.join(0, 1)
    for (let from = 1; from < 10_000; from += 500) room.receive(messages(from, from + 499))
    assert.ok(texts(feed).length <= 2_500)
    assert.equal(feed.read().complete, false)
  })

  test('a change of a message that is refused is told, until one has seen it', () => {
    const { feed, room } = open()
    room.join(1, 1)
    room.receive(messages(1, 1))
    const change = { type: 'delete', target: 1 } as const
    room.changes = [{ id: 'c', text: '', at: 0, state: 'failed', code: 'forbidden', change }]
    room.listeners.change?.()
    assert.deepEqual(feed.read().refused, { type: 'delete', code: 'forbidden' })
    feed.forgetRefused()
    assert.equal(feed.read().refused, undefined)
  })

  test('a reaction is shown at once, as on its way, and stays when its entry comes; other lines are the very same', () => {
    const { feed, room } = open()
    room.join(2, 1)
    room.receive(messages(1, 2))
    const other = reactionsOf(feed, 2)
    feed.react(1, '👍', true)
    assert.deepEqual(reactionsOf(feed, 1), [{ emoji: '👍', users: [ANA], isSending: true }])
    assert.equal(reactionsOf(feed, 2), other)
    room.changes = []
    room.receive([reacted(3, ANA, true)])
    assert.deepEqual(reactionsOf(feed, 1), [{ emoji: '👍', users: [ANA] }])
    const shown = reactionsOf(feed, 1)
    room.receive([said(4)])
    assert.equal(reactionsOf(feed, 1), shown)
  })

  test('of a reaction put and taken back before it went out nothing is sent; what went out is answered by another', () => {
    const { feed, room } = open()
    room.join(1, 1)
    room.receive(messages(1, 1))
    feed.react(1, '👍', true)
    feed.react(1, '👍', false)
    assert.deepEqual([room.changes, reactionsOf(feed, 1)], [[], []])
    feed.react(1, '👍', true)
    room.out.add(room.changes[0]!.id)
    feed.react(1, '👍', false)
    assert.deepEqual(
      room.changes.map(({ change }) => change.type === 'react' && change.on),
      [true, false],
    )
    assert.deepEqual(reactionsOf(feed, 1), [])
    feed.react(1, '👍', false)
    assert.equal(room.changes.length, 2, 'it is so already')
  })

  test('a reaction that is refused goes from the message, and one is told', () => {
    const { feed, room } = open()
    room.join(1, 1)
    room.receive(messages(1, 1))
    feed.react(1, '👍', true)
    room.changes = room.changes.map((change) => ({ ...change, state: 'failed', code: 'forbidden' }))
    room.listeners.change?.()
    assert.deepEqual(reactionsOf(feed, 1), [])
    assert.deepEqual(feed.read().refused, { type: 'react', code: 'forbidden' })
  })

  test('who was sent out learns why', () => {
    const { feed, room } = open()
    room.join(1, 1)
    room.state = { ...room.state, status: 'left', reason: 'removed' }
    room.listeners.change?.()
    assert.deepEqual([feed.read().status, feed.read().reason], ['left', 'removed'])
  })
})
