import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FakeClock } from '@flotilla/protocol/client/test/fake-clock.ts'
import type { ServerRow } from '@flotilla/protocol/control.ts'
import type { Answer } from '../../balancer/api.ts'
import { FleetWatch, type EventStream } from './fleet-watch.ts'

const ROW: ServerRow = {
  id: 's1',
  inc: 's1-1',
  url: 'ws://127.0.0.1:8080/ws',
  host: '127.0.0.1',
  port: 8080,
  state: 'up',
  clients: 1,
  rooms: 1,
  capacity: 10,
  ageMs: 0,
  loopDelayMs: 0,
}

/** The balancer's side of a stream. */
class Stream implements EventStream {
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>()
  isClosed = false

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void) {
    this.#listeners.set(type, listener)
  }
  close() {
    this.isClosed = true
  }
  say(type: string, data: unknown) {
    this.#listeners.get(type)?.({ data: JSON.stringify(data) } as MessageEvent<string>)
  }
}

function open() {
  const clock = new FakeClock()
  const streams: Stream[] = []
  const questions: ((answer: Answer<ServerRow[]>) => void)[] = []
  const watch = new FleetWatch({
    clock,
    random: () => 0.5,
    servers: () => new Promise((answer) => questions.push(answer)),
    events: () => {
      streams.push(new Stream())
      return streams.at(-1)!
    },
  })
  /** Answers the one question that is open. */
  const answer = async (rows: ServerRow[] | 'nothing') => {
    assert.equal(questions.length, 1)
    questions.pop()!(rows === 'nothing' ? { ok: false, problem: 'no_answer' } : { ok: true, value: rows })
    await new Promise(setImmediate)
  }
  const states = () => watch.read().servers.map(({ state }) => state)
  return { clock, streams, questions, watch, answer, states }
}

describe('watching the fleet', () => {
  test('the stream is followed while someone looks, and nothing runs when nobody does', async () => {
    const { clock, streams, watch, answer, states } = open()
    assert.deepEqual([streams.length, clock.pending], [0, []])
    const [away, awayToo] = [watch.look(), watch.look()]
    await answer([ROW])
    streams[0]!.say('snapshot', { servers: [ROW] })
    streams[0]!.say('registry', { servers: [{ ...ROW, state: 'late' }], gone: [] })
    assert.deepEqual(states(), ['late'])
    away()
    away()
    assert.equal(streams[0]!.isClosed, false, 'the other one still looks')
    awayToo()
    assert.deepEqual([streams.length, streams[0]!.isClosed, clock.pending], [1, true, []])
  })

  test('a stream that breaks is opened again; the balancer is away only if it does not answer, either', async () => {
    const { clock, streams, watch, answer } = open()
    watch.look()
    await answer([ROW])
    streams[0]!.say('error', '')
    await answer([ROW])
    assert.equal(watch.read().balancer, 'here', 'a stream may be refused by a balancer that is well')
    clock.advance(2_000)
    assert.equal(streams.length, 2)
    streams[1]!.say('error', '')
    await answer('nothing')
    assert.equal(watch.read().balancer, 'away')
    assert.equal(watch.read().servers.length, 1)
    clock.advance(2_000)
    streams[2]!.say('snapshot', { servers: [ROW] })
    assert.equal(watch.read().balancer, 'here')
  })

  test('a stream that died without a word is found by asking, as often as it takes', async () => {
    const { clock, questions, watch, answer } = open()
    watch.look()
    await answer([ROW])
    clock.advance(5_000)
    clock.advance(60_000)
    assert.equal(questions.length, 1, 'one question at a time')
    await answer('nothing')
    assert.equal(watch.read().balancer, 'away')
    clock.advance(5_000)
    await answer([ROW])
    assert.equal(watch.read().balancer, 'here')
  })

  test('an answer that was overtaken by an event does not turn the clock back', async () => {
    const { streams, watch, answer, states } = open()
    watch.look()
    streams[0]!.say('snapshot', { servers: [{ ...ROW, state: 'down' }] })
    await answer([ROW])
    assert.deepEqual(states(), ['down'])
  })

  test('the time that ages are counted to goes on by itself', async () => {
    const { clock, watch, answer } = open()
    watch.look()
    await answer([ROW])
    const from = watch.now.read()
    clock.advance(3_000)
    assert.equal(watch.now.read() - from, 3_000)
  })
})
