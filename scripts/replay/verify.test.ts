import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Journal, Seen } from './journal.ts'
import { verify, type Rules } from './verify.ts'

const STRICT: Rules = { order: 'log', strangers: false }

describe('the verification of a replay', () => {
  test('finds nothing where everything went right', () => {
    assert.deepEqual(verify(goodJournal(), STRICT), [])
  })

  test('takes a member that came later, as long as it saw everything since', () => {
    const journal = goodJournal()
    journal.witnesses[1]?.seen.shift()
    assert.deepEqual(verify(journal, STRICT), [])
  })

  for (const [what, plant, told] of [
    ['two entries swapped for one member', swap, /bob saw 3 after 1/],
    ['an entry missing for one member', (j) => void witness(j, 1).splice(1, 1), /bob saw 3 after 1/],
    [
      'an entry missing at the end for one member',
      (j) => void witness(j, 1).pop(),
      /bob saw up to 3, others up to 4/,
    ],
    ['an entry shown twice to one member', (j) => witness(j, 1).splice(2, 0, entry(2)), /bob saw 2 after 2/],
    [
      'another text for one member',
      alter({ text: 'text 2 ' }),
      /bob saw 2: ada "text 2 ".*, others 2: ada "text 2"/,
    ],
    ['another sender for one member', alter({ name: 'eve' }), /bob saw 2: eve/],
    ['another id for one member', alter({ id: 'id-9' }), /bob saw 2: .*id-9/],
    ['a member that saw nothing', (j) => void witness(j, 1).splice(0), /bob saw nothing/],
    [
      'a member told to start again',
      (j) => void (at(j.witnesses, 1).resets = 1),
      /bob was told 1 times to drop/,
    ],
    [
      'a text altered for everybody',
      everywhere((seen) => ({ ...seen, text: 'tex' })),
      /line 10 is .*"text 1".*but in the room 1: bob "tex"/,
    ],
    [
      'a wrong name for everybody',
      everywhere((seen) => ({ ...seen, name: 'eve' })),
      /line 10 is .*but in the room 1: eve/,
    ],
    ['lines in another order than the log', (j) => void j.sent.reverse(), /line 20 comes after line 10/],
    [
      'a line that never came',
      (j) => void j.sent.push({ id: 'id-5', name: 'ada', text: 't', line: 50 }),
      /1 of 5 lines are not in the room, first line 50/,
    ],
    ['a line that came twice', doubled, /line 40 is in the room twice, again as 5:/],
    ['an entry that nobody sent', (j) => void j.sent.pop(), /nobody sent 4:/],
    [
      'an ack with the wrong seq',
      (j) => void (at(j.acks, 1).seq = 3),
      /line 20 was acked as 3, but there stands 3:/,
    ],
    [
      'an ack beyond the log',
      (j) => void (at(j.acks, 1).seq = 9),
      /line 20 was acked as 9, but there stands nothing/,
    ],
    ['two acks that differ', (j) => void j.acks.push({ id: 'id-2', seq: 1 }), /line 20 was acked as 1/],
    ['an ack that never came', (j) => void j.acks.pop(), /1 of 4 lines were not acked, first line 40/],
    [
      'a refused line',
      (j) => void j.refusals.push({ id: 'id-2', code: 'conflict' }),
      /line 20 was refused: conflict/,
    ],
    [
      'a row missing in the file',
      (j) => void file(j).splice(2, 1),
      /1 of 4 entries are not in a\.db, first 3/,
    ],
    ['no file at all', (j) => void (j.files = []), /4 of 4 entries are not in any file/],
    [
      'another text in the file',
      (j) => void (file(j)[0] = { ...entry(1), text: 'x' }),
      /a\.db has 1: bob "x".*members saw 1: bob "text 1"/,
    ],
    ['a row that nobody saw', (j) => void file(j).push(entry(5)), /a\.db has 5: .*members saw nothing there/],
    ['another text in a second file', secondFile, /b\.db has 2: ada "old"/],
  ] satisfies [string, (journal: Journal) => unknown, RegExp][]) {
    test(`finds ${what}`, () => {
      const journal = goodJournal()
      plant(journal)
      const differences = verify(journal, STRICT)
      assert.ok(
        differences.some((difference) => told.test(difference)),
        `${told} not in:\n${differences.join('\n')}`,
      )
    })
  }

  test('with the order of each sender, senders may overtake each other, but nobody himself', () => {
    const journal = goodJournal()
    journal.sent = [2, 1, 4, 3].map((seq) => at(journal.sent, seq - 1)) // ada 2, bob 1, ada 4, bob 3
    assert.notDeepEqual(verify(journal, STRICT), [])
    assert.deepEqual(verify(journal, { order: 'sender', strangers: false }), [])
    journal.sent.reverse()
    assert.match(verify(journal, { order: 'sender', strangers: false })[0] ?? '', /line 30 comes after/)
  })

  test('with strangers allowed, their entries are no difference, but must be the same for all', () => {
    const journal = goodJournal()
    journal.sent.pop()
    journal.acks.pop()
    const rules: Rules = { order: 'log', strangers: true }
    assert.deepEqual(verify(journal, rules), [])
    witness(journal, 1)[3] = { ...entry(4), text: 'x' }
    assert.match(verify(journal, rules)[0] ?? '', /bob saw 4/)
  })
})

function entry(seq: number): Seen {
  return { seq, id: `id-${seq}`, name: seq % 2 === 0 ? 'ada' : 'bob', text: `text ${seq}` }
}

/** Four lines by two, seen by two, stored in one file. */
function goodJournal(): Journal {
  const entries = () => [1, 2, 3, 4].map(entry)
  return {
    sent: entries().map(({ seq, id, name, text = '' }) => ({ id, name, text, line: seq * 10 })),
    acks: entries().map(({ id, seq }) => ({ id, seq })),
    refusals: [],
    witnesses: ['ada', 'bob'].map((name) => ({ name, seen: entries(), resets: 0 })),
    files: [{ file: 'a.db', rows: entries() }],
  }
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index]
  assert.ok(found !== undefined)
  return found
}
function witness(journal: Journal, index: number): Seen[] {
  return at(journal.witnesses, index).seen
}
function file(journal: Journal): Seen[] {
  return at(journal.files ?? [], 0).rows
}
function swap(journal: Journal): void {
  const seen = witness(journal, 1)
  seen.splice(1, 2, at(seen, 2), at(seen, 1))
}
function alter(change: Partial<Seen>) {
  return (journal: Journal) => void (witness(journal, 1)[1] = { ...entry(2), ...change })
}
/** The first entry, changed for every member and in the file alike. */
function everywhere(change: (seen: Seen) => Seen) {
  return (journal: Journal) => {
    for (const list of [...journal.witnesses.map(({ seen }) => seen), file(journal)])
      list[0] = change(at(list, 0))
  }
}
function doubled(journal: Journal): void {
  const again = { ...entry(4), seq: 5 }
  for (const list of [...journal.witnesses.map(({ seen }) => seen), file(journal)]) list.push(again)
}
function secondFile(journal: Journal): void {
  journal.files?.push({ file: 'b.db', rows: [entry(1), { ...entry(2), text: 'old' }] })
}
