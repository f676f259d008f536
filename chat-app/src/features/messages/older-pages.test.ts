import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ChatError } from '@flotilla/protocol/client/client.ts'
import type { Page } from '@flotilla/protocol/client/questions.ts'
import { FakeClock } from '@flotilla/protocol/client/test/fake-clock.ts'
import { MAX_TRIES, OlderPages } from './older-pages.ts'

const PAGE: Page = { entries: [], done: true }

/** `answers`: what the server says to each question, in order; `undefined` = nothing yet. */
function open(answers: (Page | ChatError | undefined)[]) {
  const clock = new FakeClock()
  const taken: Page[] = []
  let asked = 0
  const pages = new OlderPages({
    clock,
    random: () => 0.5,
    changed: () => {},
    take: (page) => taken.push(page),
    ask: async () => {
      const answer = answers[asked++]
      if (answer === undefined) return new Promise(() => {})
      if (answer instanceof ChatError) throw answer
      return answer
    },
  })
  /** To the next try, and its answer. */
  const next = async () => {
    assert.ok(clock.next(), 'it will ask again')
    await new Promise(setImmediate)
  }
  return { pages, taken, clock, next, asked: () => asked }
}

describe('reading back', () => {
  test('who is told when to ask again does so then, and is loading meanwhile', async () => {
    const { pages, taken, clock, next } = open([new ChatError('busy', undefined, 700), PAGE])
    await pages.load()
    assert.deepEqual([pages.state, clock.pending], ['loading', [700]])
    await next()
    assert.deepEqual([pages.state, taken, clock.pending], ['idle', [PAGE], []])
  })

  test('without a word about when, the waits grow; after some tries it has failed, until one asks again', async () => {
    const { pages, taken, clock, next, asked } = open([
      ...Array.from({ length: MAX_TRIES }, () => new ChatError('busy')),
      PAGE,
    ])
    await pages.load()
    const waits: (number | undefined)[] = []
    while (pages.state === 'loading') {
      waits.push(clock.pending[0])
      await next()
    }
    assert.deepEqual(waits, [550, 1_050, 2_050, 2_550])
    assert.deepEqual([pages.state, asked(), clock.pending], ['failed', MAX_TRIES, []])
    await pages.load()
    assert.equal(asked(), MAX_TRIES, 'scrolling does not ask any more')
    await pages.retry()
    assert.deepEqual([pages.state, taken.length], ['idle', 1])
  })

  test('what is refused for good is not asked for again by itself', async () => {
    const { pages, clock } = open([new ChatError('forbidden')])
    await pages.load()
    assert.deepEqual([pages.state, clock.pending], ['failed', []])
  })

  test('what a lost line cut off is asked for on the next one; what nobody asked for is not', async () => {
    const { pages, taken, asked } = open([undefined, PAGE])
    void pages.load()
    pages.cutOff()
    pages.cutOff()
    assert.equal(pages.state, 'idle')
    pages.resume()
    await new Promise(setImmediate)
    assert.deepEqual([asked(), taken.length], [2, 1])
    pages.cutOff()
    pages.resume()
    assert.equal(asked(), 2)
  })

  test('the answer to a question that was given up is not taken', async () => {
    const { pages, taken } = open([PAGE])
    const page = pages.load()
    pages.stop()
    await page
    assert.deepEqual([pages.state, taken], ['idle', []])
  })
})
