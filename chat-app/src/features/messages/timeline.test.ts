import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Entry } from '@flotilla/protocol/frames.ts'
import { append, EMPTY, prepend, trim } from './timeline.ts'

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
    assert.equal(timeline.waiting.size, 0)
  })

  test('an edit waits over several pages', () => {
    const live = append(EMPTY, [message(10), edit(11, 1, 'new')])
    const timeline = prepend(prepend(live, messages(5, 9), false), messages(1, 4), true)
    assert.equal(timeline.messages[0]?.text, 'new')
  })

  test('reactions and system entries move the cursor and show nothing yet', () => {
    const timeline = append(EMPTY, [
      message(1),
      { type: 'react', room: 'r', seq: 2, id: 'i2', user: ANA, target: 1, emoji: '🙂', on: true, ts: 2 },
      { type: 'system', room: 'r', seq: 3, id: 'i3', user: ANA, event: 'joined', ts: 3 },
      message(4),
    ])
    assert.equal(timeline.messages.length, 2)
    assert.equal(timeline.to, 4)
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
  })
})
