import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Entry } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Client, Frame } from '../test/client.ts'
import { Fleet } from '../test/kit.ts'

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const seqs = ({ entries }: { entries: Entry[] }) => entries.map(({ seq }) => seq)

/** What a program has to keep as it came. */
const NASTY = [
  'line\nfeed\r\ttab',
  'a\u2028b\u2029c',
  'nul \u0000 and \u0001 \u007f',
  '"quotes" \\ and / <script>',
  '👩‍👩‍👧‍👦 🇩🇪 e\u0301 é',
  ' outer spaces \ufeff',
  '\uffff'.repeat(LIMITS.textChars),
  '\u0000'.repeat(LIMITS.textChars),
  '\u202eright to left',
  '{"type":"message","seq":1}',
  '__proto__',
  'x',
]

describe('history', () => {
  let fleet: Fleet
  before(async () => (fleet = await Fleet.start({ servers: 2 })))
  after(() => fleet.close())

  for (const [where, at] of [
    ['at the home of the room', 0],
    ['through another server', 1],
  ] as const) {
    describe(where, () => {
      let room: string
      let client: Client
      before(async () => {
        room = await fleet.room()
        const writer = await fleet.member(room)
        for (const i of upTo(0, 4)) {
          const ids = upTo(i * 50 + 1, i * 50 + 50)
          writer.say(...ids.map((id) => ({ type: 'send', room, id: `${id}`, text: `text ${id}` })))
          await writer.frame('ack', ({ id }) => id === `${ids.at(-1)}`)
        }
        client = await fleet.member(room, at)
      })

      test('[H1] `before` gives those just below, `after` those just above, ascending', async () => {
        assert.deepEqual(seqs(await client.history(room, { before: 101, limit: 3 })), [98, 99, 100])
        assert.deepEqual(seqs(await client.history(room, { after: 101, limit: 3 })), [102, 103, 104])
        assert.deepEqual(seqs(await client.history(room, { limit: 3 })), [248, 249, 250])
      })

      test('[H1] both at once is a bad message', async () => {
        const error = await client.ask({ type: 'history', room, before: 9, after: 3 })
        assert.deepEqual([error.code, error.room], ['bad_message', room])
      })

      test('[H2] [L6] without limit, and with a larger one, at most 200', async () => {
        assert.equal(client.of('welcome')[0]?.limits.historyEntries, 200)
        for (const more of [{}, { limit: 200 }, { limit: 10_000 }, { limit: 1e17 }]) {
          assert.deepEqual(seqs(await client.history(room, more)), upTo(51, 250))
          assert.deepEqual(seqs(await client.history(room, { after: 0, ...more })), upTo(1, 200))
        }
        assert.equal((await client.ask({ type: 'history', room, limit: 0 })).code, 'bad_message')
      })

      test('[H3] `done` says whether anything lies further in the direction asked for', async () => {
        const done = async (more: object) => (await client.history(room, more)).done
        assert.equal(await done({ before: 4, limit: 3 }), true)
        assert.equal(await done({ before: 5, limit: 3 }), false)
        assert.equal(await done({ after: 247, limit: 3 }), true)
        assert.equal(await done({ after: 246, limit: 3 }), false)
        assert.equal(await done({ limit: 200 }), false)
        for (const nothing of [
          { before: 1 },
          { before: 0 },
          { after: 250 },
          { after: 9_007_199_254_740_991 },
        ]) {
          const { entries, done: isDone } = await client.history(room, nothing)
          assert.deepEqual([entries, isDone], [[], true])
        }
        assert.deepEqual(seqs(await client.history(room, { before: 9_007_199_254_740_991, limit: 1 })), [250])
      })

      test('[H4] of a room that is not joined nothing is told', async () => {
        const stranger = await fleet.client(at)
        assert.equal((await stranger.ask({ type: 'history', room })).code, 'not_joined')
        await stranger.join(room)
        await stranger.expect('left', { type: 'leave', room })
        assert.equal((await stranger.ask({ type: 'history', room })).code, 'not_joined')
      })

      test('[H2] [S9] more history than fits is asked for at once, and all of it comes', async () => {
        const asks = upTo(1, 300).map((i) => ({ type: 'history', room, after: 0, ref: `all-${i}` }))
        client.say(...asks)
        const answers = await client.until('every answer', () => {
          const all = client.of('history').filter(({ ref }) => `${ref}`.startsWith('all-'))
          return all.length === 300 && all
        })
        assert.ok(answers.every((answer) => answer.entries.length === 200))
        assert.deepEqual(new Set(answers.map(({ ref }) => ref)).size, 300)
      })
    })
  }

  test('[H2] where entries are long a page holds fewer, but at least one, and goes on from there', async () => {
    const room = await fleet.room()
    const text = '\u0000'.repeat(LIMITS.textChars) // 24,000 bytes each
    const writer = await fleet.member(room)
    for (const id of upTo(1, 40)) await writer.send(room, `${id}`, text)
    for (const at of [0, 1]) {
      const client = await fleet.client(at)
      await client.join(room, { since: 40 })
      const forth: number[] = []
      for (let page: Frame<'history'> | undefined; page?.done !== true;) {
        page = await client.history(room, { after: forth.at(-1) ?? 0 })
        assert.ok(page.entries.length >= 1 && JSON.stringify(page).length < LIMITS.historyBytes + 1_000)
        forth.push(...seqs(page))
      }
      assert.deepEqual(forth, upTo(1, 40))
      const back: number[] = []
      for (let page: Frame<'history'> | undefined; page?.done !== true;) {
        page = await client.history(room, { before: back[0] ?? 41 })
        back.unshift(...seqs(page))
      }
      assert.deepEqual(back, upTo(1, 40))
      const resumed = await fleet.client(at)
      await resumed.join(room, { since: 0 })
      await resumed.upTo(room, 40)
      assert.deepEqual(resumed.seqs(room), upTo(1, 40))
    }
  })

  test('[E4] [E5] the bytes of an entry are the same live, resumed, in history, and on every server', async () => {
    const room = await fleet.room(0)
    const ada = await fleet.member(room, 1, 'Ada “the 1st” é')
    const live = [ada, await fleet.member(room, 0), await fleet.member(room, 1)]
    for (const [i, text] of NASTY.entries()) {
      await ada.send(room, `id ${i} "\u2028 💬`, text, i > 0 ? { replyTo: i } : {})
    }
    const head = NASTY.length
    for (const client of live) await client.upTo(room, head)
    const [expected = []] = live.map((client) => client.entryLines(room))
    assert.deepEqual(
      expected.map((line) => (JSON.parse(line) as { text: string }).text),
      NASTY,
    )
    for (const client of live) assert.deepEqual(client.entryLines(room), expected)
    for (const at of [0, 1]) {
      const resumed = await fleet.client(at)
      await resumed.join(room, { since: 0 })
      await resumed.upTo(room, head)
      assert.deepEqual(resumed.entryLines(room), expected)
      const { ref } = await resumed.history(room)
      const line = resumed.lines.find((one) => one.includes(`"ref":"${ref}"`)) ?? ''
      assert.ok(line.includes(`"entries":[${expected.join(',')}]`))
    }
  })

  test('[E5] [F6] a lone surrogate is refused, in a text and in an id', async () => {
    const room = await fleet.room()
    const client = await fleet.member(room)
    const say = (ref: string, id: string, text: string) =>
      client.say(`{"type":"send","room":"${room}","ref":"${ref}","id":"${id}","text":"${text}"}`)
    say('1', 'x', 'a\\ud800b')
    say('2', 'x', '\\udc00\\ud800')
    say('3', '\\ud800', 'x')
    for (const ref of ['1', '2', '3']) {
      assert.equal((await client.frame('error', (error) => error.ref === ref)).code, 'bad_message')
    }
    assert.deepEqual((await client.history(room)).entries, [])
  })
})
