import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Entry } from '@flotilla/protocol/frames.ts'
import { append, EMPTY, isLong, MOST_CHANGES, prepend, trim, type Timeline } from './timeline.ts'

const ANA = { id: 'guest:ana', name: 'ana' }

function message(seq: number, text = `text ${seq}`): Entry {
  return { type: 'message', room: 'r', seq, id: `i${seq}`, user: ANA, text, ts: seq * 1000 }
}
function edit(seq: number, target: number, text: string): Entry {
  return { type: 'edit', room: 'r', seq, id: `i${seq}`, user: ANA, target, text, ts: seq * 1000 }
}
function deletion(seq: number, target: number): Entry {
  return { type: 'delete', room: 'r', seq, id: `i${seq}`, user: ANA, target, ts: seq * 1000 }
}
function system(seq: number, event: string, user = ANA, data: object = {}): Entry {
  return { type: 'system', room: 'r', seq, id: `i${seq}`, user, event, data, ts: seq * 1000 }
}
function reaction(seq: number, target: number, emoji: string, { on = true, user = ANA } = {}): Entry {
  return { type: 'react', room: 'r', seq, id: `i${seq}`, user, target, emoji, on, ts: seq * 1000 }
}
const BO = { id: 'guest:bo', name: 'bo' }
const reactionsOf = (timeline: Timeline, seq: number) =>
  timeline.messages
    .find((one) => one.seq === seq)
    ?.reactions.map(({ emoji, users }) => `${emoji} ${users.map(({ name }) => name).join()}`)
const messages = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => message(from + index))

describe('the timeline of a room', () => {
  test('live entries are added at the end, each once', () => {
    const timeline = append(append(EMPTY, messages(3, 5)), messages(4, 7))
    assert.deepEqual(
      timeline.messages.map(({ seq }) => seq),
      [3, 4, 5, 6, 7],
    )
    assert.equal(timeline.complete, false)
  })

  test('entries that are all known change nothing, not even the object', () => {
    const timeline = append(EMPTY, messages(1, 5))
    assert.equal(append(timeline, messages(2, 4)), timeline)
    assert.equal(append(timeline, []), timeline)
  })

  test('a log read from its first entry is complete', () => {
    assert.equal(append(EMPTY, messages(1, 2)).complete, true)
  })

  test('a hole begins the timeline anew, so that nothing is shown as neighbours that is not', () => {
    const timeline = append(append(EMPTY, messages(1, 5)), messages(9, 10))
    assert.equal(timeline.from, 9)
    assert.equal(timeline.complete, false)
    assert.equal(timeline.messages.length, 2)
  })

  test('a page of history goes before what is there', () => {
    const timeline = prepend(append(EMPTY, messages(6, 8)), messages(3, 5), false)
    assert.equal(timeline.from, 3)
    assert.equal(timeline.complete, false)
    assert.deepEqual(
      timeline.messages.map(({ seq }) => seq),
      [3, 4, 5, 6, 7, 8],
    )
    assert.equal(prepend(timeline, messages(1, 2), true).complete, true)
  })

  test('a page that does not touch the start, an answer that came too late, is ignored', () => {
    const timeline = append(EMPTY, messages(6, 8))
    assert.equal(prepend(timeline, messages(1, 3), true), timeline)
    assert.equal(prepend(timeline, messages(5, 6), false), timeline)
  })

  test('an empty page says that the beginning is reached', () => {
    assert.equal(prepend(append(EMPTY, messages(6, 8)), [], true).complete, true)
  })

  test('an edit replaces the text and a deletion takes it away, for good', () => {
    const timeline = append(EMPTY, [
      ...messages(1, 3),
      edit(4, 2, 'better'),
      deletion(5, 3),
      edit(6, 3, 'back?'),
    ])
    assert.deepEqual(
      timeline.messages.map(({ text, state }) => [text, state]),
      [
        ['text 1', 'said'],
        ['better', 'edited'],
        ['', 'deleted'],
      ],
    )
    assert.equal(timeline.to, 6)
  })

  test('an edit of a message not loaded yet waits for its page, and the last one counts', () => {
    const live = append(EMPTY, [message(10), edit(11, 4, 'last'), deletion(12, 5)])
    const timeline = prepend(live, [...messages(3, 8), edit(9, 4, 'first')], false)
    assert.deepEqual(timeline.messages.map(({ seq, text }) => [seq, text]).slice(1, 3), [
      [4, 'last'],
      [5, ''],
    ])
  })

  test('an edit waits over several pages', () => {
    const live = append(EMPTY, [message(10), edit(11, 1, 'new')])
    const timeline = prepend(prepend(live, messages(5, 9), false), messages(1, 4), true)
    assert.equal(timeline.messages[0]?.text, 'new')
  })

  test('reactions move the cursor and stand at their message, not among the lines', () => {
    const timeline = append(EMPTY, [message(1), reaction(2, 1, '🙂'), system(3, 'joined'), message(4)])
    assert.deepEqual(
      timeline.messages.map(({ seq }) => seq),
      [1, 4],
    )
    assert.equal(timeline.to, 4)
    assert.deepEqual(reactionsOf(timeline, 1), ['🙂 ana'])
  })

  test('an emoji is counted once for each who put it, in the order in which they did, and goes with the last', () => {
    const all = append(EMPTY, [
      message(1),
      reaction(2, 1, '👍', { user: BO }),
      reaction(3, 1, '🎉'),
      reaction(4, 1, '👍'),
      reaction(5, 1, '👍'),
    ])
    assert.deepEqual(reactionsOf(all, 1), ['👍 bo,ana', '🎉 ana'])
    const fewer = append(all, [
      reaction(6, 1, '🎉', { on: false }),
      reaction(7, 1, '👍', { on: false }),
      reaction(8, 1, '👀', { on: false }),
    ])
    assert.deepEqual(reactionsOf(fewer, 1), ['👍 bo'])
    const again = append(fewer, [reaction(9, 1, '👍', { user: BO })])
    assert.equal(again.messages[0], fewer.messages[0], 'nothing is new: the line is not drawn')
  })

  test('a deleted message has no reactions, whenever they were put', () => {
    const timeline = append(EMPTY, [message(1), reaction(2, 1, '👍'), deletion(3, 1), reaction(4, 1, '🎉')])
    assert.deepEqual(reactionsOf(timeline, 1), [])
    const late = prepend(append(EMPTY, [deletion(3, 1), reaction(4, 1, '🎉')]), messages(1, 2), true)
    assert.deepEqual(reactionsOf(late, 1), [])
  })

  test('reactions wait for the page of their message, over several pages, and the last word counts', () => {
    const live = append(EMPTY, [message(10), reaction(11, 1, '👍'), reaction(12, 1, '🎉', { on: false })])
    const page = [...messages(5, 7), reaction(8, 1, '🎉'), reaction(9, 1, '👀', { user: BO })]
    const timeline = prepend(prepend(live, page, false), messages(1, 4), true)
    assert.deepEqual(reactionsOf(timeline, 1), ['👀 bo', '👍 ana'])
  })

  test('what changed a message that was forgotten is done to it again when it comes back', () => {
    const first = [...messages(1, 3), reaction(4, 1, '👍'), message(5)]
    const last = [message(6), edit(7, 2, 'better'), deletion(8, 3), reaction(9, 1, '👍', { on: false })]
    const timeline = trim(append(EMPTY, [...first, ...last]), 1)
    assert.equal(timeline.from, 6)
    const again = prepend(timeline, first, true)
    assert.deepEqual(
      again.messages.map(({ text }) => text),
      ['text 1', 'better', '', 'text 5', 'text 6'],
    )
    assert.deepEqual(reactionsOf(again, 1), [])
  })

  test('a room where people do nothing but react is no burden: of going to and fro the last is kept', () => {
    const toAndFro = Array.from({ length: MOST_CHANGES * 2 }, (_, index) =>
      reaction(index + 3, 1, '👍', { on: index % 2 === 0 }),
    )
    const both = append(EMPTY, [message(1), message(2), reaction(3, 2, '🎉'), ...toAndFro.slice(1)])
    assert.ok(isLong(both, 10))
    const short = trim(both, 10)
    assert.equal(short.messages.length, 2)
    assert.equal(short.changes.length, 2)
    assert.ok(!isLong(short, 10))

    const people = Array.from({ length: MOST_CHANGES + 1 }, (_, index) =>
      reaction(index + 2, 1, '👍', { user: { id: `guest:${index}`, name: 'x' } }),
    )
    const cut = trim(append(EMPTY, [message(1), ...people]), 10)
    assert.deepEqual([cut.from, cut.messages.length, cut.changes.length], [3, 0, MOST_CHANGES])
    assert.equal(
      prepend(cut, [message(1), people[0]!], true).messages[0]?.reactions[0]?.users.length,
      people.length,
    )
  })

  test('trimming forgets the oldest, and history brings them back', () => {
    const timeline = trim(append(EMPTY, messages(1, 10)), 4)
    assert.equal(timeline.from, 7)
    assert.equal(timeline.complete, false)
    const again = prepend(timeline, messages(1, 6), true)
    assert.equal(again.messages.length, 10)
    assert.equal(again.complete, true)
  })

  test('what was done to the room is kept beside the messages, in order, and goes with the oldest', () => {
    const live = append(EMPTY, [message(5), system(6, 'topic', ANA, { topic: 'T' }), message(7)])
    const all = prepend(live, [message(3), system(4, 'join')], false)
    assert.deepEqual(
      all.notes.map(({ seq }) => seq),
      [4, 6],
    )
    assert.deepEqual(
      trim(all, 1).notes.map(({ seq }) => seq),
      [],
    )
  })

  test('who has another name, or none any more, has it on all that he said, also on what is read later', () => {
    const gone = { id: ANA.id, name: 'deleted user' }
    const timeline = append(append(EMPTY, messages(5, 6)), [system(7, 'gone', gone), message(8)])
    const all = prepend(timeline, messages(3, 4), false)
    assert.deepEqual(
      all.messages.map(({ user }) => user.name),
      Array(5).fill('deleted user'),
    )
    const back = append(timeline, [system(9, 'name', { id: ANA.id, name: 'anna' })])
    assert.equal(back.messages[0]?.user.name, 'anna', 'the last word counts')
    const reacting = append(EMPTY, [
      message(5),
      reaction(6, 5, '👍'),
      system(7, 'name', { ...ANA, name: 'anna' }),
    ])
    assert.deepEqual(reactionsOf(reacting, 5), ['👍 anna'])
  })
})
