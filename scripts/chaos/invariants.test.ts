import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Entry } from '@flotilla/protocol/frames.ts'
import { findBreaches, type FinalRead, type FinalRoom, type Journal } from './invariants.ts'

const ROOM = 'general'
const LOG = 'log-1'

/** A run in which all is well: ann and bob say two things each, both see all. */
function goodRun() {
  const said: [name: string, id: string][] = [
    ['ann', 'a1'],
    ['bob', 'b1'],
    ['ann', 'a2'],
    ['bob', 'b2'],
  ]
  const entries = said.map(([name, id], i) => message(i + 1, name, id))
  const journals = ['ann', 'bob'].map((name): Journal => {
    const own = entries.filter(({ user }) => user.name === name)
    return {
      name,
      invoked: own.map(({ id, text }) => ({ room: ROOM, id, text })),
      acked: own.map(({ id, seq }) => ({ room: ROOM, id, seq })),
      refused: [],
      shown: new Map([[ROOM, [{ log: LOG, entries: [...entries] }]]]),
    }
  })
  const finals: FinalRoom[] = [{ room: ROOM, log: LOG, entries }]
  const read = (by: string, isWhole: boolean): FinalRead => ({ ...finals[0]!, by, isWhole })
  return { finals, journals, reads: [read('server 2', true), read('a file that the room has left', false)] }
}

function message(seq: number, name: string, id: string) {
  const user = { id: `guest:${name}`, name }
  return { type: 'message' as const, room: ROOM, seq, id, user, text: `${name} says ${id}`, ts: 1_000 + seq }
}

type Run = ReturnType<typeof goodRun>

/** What bob was shown. */
const shownTo = ({ journals }: Run): Entry[] => journals[1]!.shown.get(ROOM)![0]!.entries
const finalOf = ({ finals }: Run) => finals[0]!.entries as Entry[]

/** One breach each: what is spoilt in the good run, and the number it has to be found under. */
const PLANTED: [number: number, what: string, spoil: (run: Run) => void][] = [
  [1, 'an acked message is not in the log', (run) => void finalOf(run).pop()],
  [1, 'an ack names another seq', (run) => (run.journals[0]!.acked[0]!.seq = 3)],
  [2, 'a message stands in the log twice', (run) => finalOf(run).push(message(5, 'ann', 'a1'))],
  [
    3,
    'somebody saw another body at a seq',
    (run) => (shownTo(run)[1] = { ...message(2, 'bob', 'b1'), ts: 9 }),
  ],
  [
    3,
    'two saw different bodies at a seq that is not in the log any more',
    (run) => {
      const one = message(5, 'ann', 'a2')
      run.journals[0]!.shown.get(ROOM)![0]!.entries.push(one)
      shownTo(run).push({ ...one, ts: 9 })
    },
  ],
  [4, 'the log has a gap', (run) => (finalOf(run)[3] = message(5, 'bob', 'b2'))],
  [5, 'somebody was shown a seq twice', (run) => void shownTo(run).splice(2, 0, message(2, 'bob', 'b1'))],
  [5, 'somebody was not shown a seq', (run) => void shownTo(run).splice(1, 1)],
  [
    6,
    "a sender's messages changed places",
    (run) => {
      const { invoked } = run.journals[0]!
      invoked.push(invoked.shift()!)
    },
  ],
  [7, 'something is shown that nobody sent', (run) => void run.journals[0]!.invoked.pop()],
  [7, 'a text came out as another one', (run) => (run.journals[0]!.invoked[0]!.text = 'hello')],
  [
    8,
    'what was refused is shown all the same',
    (run) => {
      run.journals[0]!.refused.push({ room: ROOM, id: 'a2', code: 'forbidden' })
    },
  ],
  [9, 'a server has less than the others', (run) => (run.reads[0]!.entries = finalOf(run).slice(0, 3))],
  [
    9,
    'a file has another body',
    (run) => (run.reads[1]!.entries = [{ ...message(1, 'ann', 'a1'), text: 'hello' }]),
  ],
  [9, 'a server speaks of another log', (run) => (run.reads[0]!.log = 'log-2')],
  [9, 'somebody was shown more than the log has', (run) => void finalOf(run).splice(3)],
  [
    10,
    'somebody was told to start again',
    (run) => run.journals[1]!.shown.get(ROOM)!.push({ log: LOG, entries: [] }),
  ],
  [10, 'somebody saw another log', (run) => (run.journals[1]!.shown.get(ROOM)![0]!.log = 'log-0')],
]

describe('the judge of a run', () => {
  test('finds nothing wrong where nothing is', () => {
    const { finals, journals, reads } = goodRun()
    assert.deepEqual(findBreaches(finals, journals, { reads }), [])
  })

  for (const [number, what, spoil] of PLANTED) {
    test(`[${number}] finds that ${what}`, () => {
      const run = goodRun()
      // The reads share the log's array until somebody spoils one of them.
      for (const read of run.reads) read.entries = [...read.entries]
      spoil(run)
      const numbers = findBreaches(run.finals, run.journals, { reads: run.reads }).map((breach) =>
        Number(breach.split(' ', 1)[0]),
      )
      assert.ok(numbers.includes(number), `found ${numbers.join(', ') || 'nothing'}`)
    })
  }

  test('has a planted breach for each of its ten rules', () => {
    const numbers = new Set(PLANTED.map(([number]) => number))
    assert.deepEqual([...numbers], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('[10] takes another log for right where storage was damaged', () => {
    const run = goodRun()
    run.journals[1]!.shown.get(ROOM)!.unshift({ log: 'log-0', entries: [message(1, 'ann', 'a1')] })
    assert.deepEqual(findBreaches(run.finals, run.journals, { isDamaged: true }), [])
  })
})
