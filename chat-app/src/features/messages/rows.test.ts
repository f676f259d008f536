import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Entry, User } from '@flotilla/protocol/frames.ts'
import { startChanged, toRows, type Row } from './rows.ts'
import { append, EMPTY, prepend } from './timeline.ts'

const ANA = { id: 'guest:ana', name: 'ana' }
const BO = { id: 'guest:bo', name: 'bo' }
const NOON = new Date(2026, 10, 21, 12).getTime()
const MINUTE = 60_000

const said = (seq: number, user: User, ts: number): Entry => ({
  type: 'message',
  room: 'r',
  seq,
  id: `i${seq}`,
  user,
  text: `text ${seq}`,
  ts,
})
const sketch = (rows: readonly Row[]) =>
  rows.map((row) =>
    row.kind === 'message'
      ? `${row.opens ? row.message.user.name : '…'} ${row.message.seq}`
      : row.kind === 'own'
        ? `${row.opens ? 'me' : '…'} ${row.send.id}`
        : row.kind,
  )

describe('the rows of a conversation', () => {
  test('messages of one person within five minutes stand under one name', () => {
    const timeline = append(EMPTY, [
      said(1, ANA, NOON),
      said(2, ANA, NOON + MINUTE),
      said(3, BO, NOON + 2 * MINUTE),
      said(4, ANA, NOON + 3 * MINUTE),
      said(5, ANA, NOON + 9 * MINUTE),
    ])
    assert.deepEqual(sketch(toRows(timeline, [], ANA, undefined)), [
      'beginning',
      'day',
      'ana 1',
      '… 2',
      'bo 3',
      'ana 4',
      'ana 5',
    ])
  })

  test('a new day draws a line and opens a group, even within five minutes', () => {
    const midnight = new Date(2026, 10, 22).getTime()
    const timeline = append(EMPTY, [said(7, ANA, midnight - MINUTE), said(8, ANA, midnight + MINUTE)])
    assert.deepEqual(sketch(toRows(timeline, [], ANA, undefined)), ['day', 'ana 7', 'day', 'ana 8'])
  })

  test("one's own unsent messages follow what is in the log", () => {
    const timeline = append(EMPTY, [said(2, ANA, NOON)])
    const own = [
      { id: 'a', text: 'x', at: NOON + MINUTE, state: 'sending' as const },
      { id: 'b', text: 'y', at: NOON + MINUTE, state: 'failed' as const },
    ]
    assert.deepEqual(sketch(toRows(timeline, own, ANA, undefined)), ['day', 'ana 2', '… a', '… b'])
    assert.deepEqual(sketch(toRows(timeline, own, BO, undefined)), ['day', 'ana 2', 'me a', '… b'])
  })

  test('the key of a send is that of its entry', () => {
    const own = toRows(EMPTY, [{ id: 'i1', text: 'x', at: NOON, state: 'sending' }], ANA, undefined)
    const entry = toRows(append(EMPTY, [said(1, ANA, NOON)]), [], ANA, undefined)
    assert.equal(own.at(-1)?.key, entry.at(-1)?.key)
    const another = toRows(append(EMPTY, [said(1, BO, NOON)]), [], ANA, undefined)
    assert.notEqual(own.at(-1)?.key, another.at(-1)?.key)
  })

  test('the "new" line stands before the first message of another after the last one read', () => {
    const timeline = append(EMPTY, [
      said(5, BO, NOON),
      said(6, ANA, NOON),
      said(7, BO, NOON),
      said(8, BO, NOON),
    ])
    assert.deepEqual(sketch(toRows(timeline, [], ANA, 5)), ['day', 'bo 5', 'ana 6', 'unread', 'bo 7', '… 8'])
    assert.ok(!sketch(toRows(timeline, [], ANA, 8)).includes('unread'))
  })

  test('only what comes before the first common row counts as a change of the start', () => {
    const page = [said(3, ANA, NOON), said(4, BO, NOON)]
    const live = append(EMPTY, page)
    const before = toRows(live, [], ANA, undefined)
    assert.equal(startChanged(before, toRows(append(live, [said(5, BO, NOON)]), [], ANA, undefined)), false)
    const older = prepend(live, [said(1, BO, NOON), said(2, ANA, NOON)], true)
    assert.equal(startChanged(before, toRows(older, [], ANA, undefined)), true)
    assert.equal(startChanged([], before), false)
  })

  test('what was done to the room stands where it was done, and parts what was said before from what was after', () => {
    const topic: Entry = {
      ...{ type: 'system', room: 'r', seq: 2, id: 'i2', user: BO, ts: NOON + 1, event: 'topic' },
      data: { topic: 'Tides' },
    }
    const rows = toRows(
      append(EMPTY, [said(1, ANA, NOON), topic, said(3, ANA, NOON + 2)]),
      [],
      ANA,
      undefined,
    )
    assert.deepEqual(sketch(rows), ['beginning', 'day', 'ana 1', 'note', 'ana 3'])
    assert.equal(rows.find((row) => row.kind === 'note')?.words, 'bo set the topic: Tides')
  })

  test('of what this version does not know, nothing is shown', () => {
    const unknown: Entry = {
      ...{ type: 'system', room: 'r', seq: 2, id: 'i2', user: BO, ts: NOON + 1, event: 'teleport' },
    }
    const rows = toRows(
      append(EMPTY, [said(1, ANA, NOON), unknown, said(3, ANA, NOON + 2)]),
      [],
      ANA,
      undefined,
    )
    assert.deepEqual(sketch(rows), ['beginning', 'day', 'ana 1', '… 3'])
  })
})
