import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeEntry } from '@flotilla/protocol/frames.ts'
import type { Me } from './dialect.ts'
import { flotillaDialect } from './flotilla-dialect.ts'
import { sendId } from './send-id.ts'

function listen(isSampled = true) {
  const heard: string[] = []
  const me: Me = {
    name: 'ann',
    room: 'general',
    isSampled,
    received: 0,
    misordered: 0,
    write: () => undefined,
    joined: () => heard.push('joined'),
    refused: () => heard.push('refused'),
    putOff: (forMs) => heard.push(`put off ${forMs}`),
    acked: (run, k) => heard.push(`ack ${run} ${k}`),
    arrived: (run, k) => heard.push(`message ${run} ${k}`),
    failed: (code) => heard.push(code),
  }
  const talk = flotillaDialect.talk(me)
  /** One frame of these lines, parted there if said. */
  const hear = (lines: string[], partAt = 0) => {
    const bytes = Buffer.from(`garbage${lines.join('\n')}garbage\n`)
    const end = bytes.length - 'garbage\n'.length
    const part = 'garbage'.length + partAt
    const rest = partAt === 0 ? part : talk.data(bytes, 'garbage'.length, part, false)
    assert.equal(talk.data(bytes, rest, end, true), end)
  }
  return { me, heard, hear }
}

/** As `encodeEntry` writes it. */
function message(seq: number, id = sendId(4711, 2, seq), text = 'hello {"type":"ack"} \n there'): string {
  const user = { id: 'guest:bob', name: 'bob' }
  return encodeEntry({ type: 'message', room: 'general', seq, id, user, ts: 1_700_000_000_000, text })
}

const ack = (k: number) => `{"type":"ack","room":"general","id":"${sendId(4711, 2, k)}","seq":9,"ts":1}`

describe("Flotilla's wire, as the load generator reads it", () => {
  test('counts the messages among other lines, wherever a frame is split, and says which sends they were', () => {
    const lines = [
      message(8),
      ack(7),
      message(9),
      message(10, undefined, 'a much longer text '.repeat(9)),
      message(11),
    ]
    const { length } = Buffer.from(lines.join('\n'))
    for (let partAt = 0; partAt < length; partAt += 1) {
      const { me, heard, hear } = listen()
      hear(['{"type":"joined","room":"general"}', '{"type":"presence","room":"general"}'])
      hear(lines, partAt)
      hear([message(12)])
      const expected = ['joined', 'message 2 8', 'ack 2 7', 'message 2 9', 'message 2 10', 'message 2 11']
      assert.deepEqual(heard, [...expected, 'message 2 12'], `split at ${partAt}`)
      assert.deepEqual([me.received, me.misordered], [5, 0])
    }
  })

  test('messages that come again or too late are seen at every client, sampled or not', () => {
    for (const isSampled of [true, false]) {
      const { me, heard, hear } = listen(isSampled)
      hear([message(3), message(3), message(5), message(4)])
      assert.deepEqual([me.received, me.misordered], [4, 2])
      assert.equal(heard.length, isSampled ? 4 : 0)
    }
  })

  test("ids that are not the load generator's are counted, and told to nobody", () => {
    const { me, heard, hear } = listen()
    hear([message(1, 'somebody-else'), message(2, 'x'), message(3, '12')])
    assert.equal(me.received, 3)
    assert.deepEqual(heard, [])
  })

  test('a join that is to be repeated is told from what fails', () => {
    const { heard, hear } = listen()
    hear(['{"type":"error","code":"busy","room":"general"}', '{"type":"error","code":"busy","id":"1.2-3"}'])
    hear(['{"type":"error","code":"forbidden"}', '{"type":"error","code":"busy","retryMs":900}'])
    assert.deepEqual(heard, ['refused', 'busy', 'forbidden', 'put off 900'])
  })

  test('what would be counted wrongly is an error', () => {
    const { hear } = listen()
    assert.throws(
      () => hear(['{"type":"message","seq":1,"room":"general","id":"a"}']),
      /not written as expected/,
    )
  })
})
