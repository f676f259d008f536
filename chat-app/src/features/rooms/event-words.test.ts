import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActSchema } from '@flotilla/protocol/acts.ts'
import { durationWords, eventWords } from './event-words.ts'

const ann = { id: 'user:1', name: 'Ann' }
const bo = { id: 'user:2', name: 'Bo' }

test('whatever can be done to a room is told in words', () => {
  for (const { shape } of ActSchema.def.options) {
    const [event = ''] = shape.act.def.values
    const words = eventWords({
      event: String(event),
      user: ann,
      data: { user: bo, role: 'moderator', name: 'N', topic: 'T' },
    })
    assert.ok(words !== undefined && words.length > 3, `nothing is said of ${String(event)}`)
    if ('user' in shape) assert.match(words, /Bo/, String(event))
  }
})

test('a reason is told with what it is given for', () => {
  assert.equal(
    eventWords({ event: 'remove', user: ann, data: { user: bo, reason: 'spam' } }),
    'Ann removed Bo: spam',
  )
})

test('what a later version writes is passed over, and nothing that is no text is taken for one', () => {
  assert.equal(eventWords({ event: 'teleport', user: ann, data: {} }), undefined)
  assert.equal(
    eventWords({ event: 'topic', user: ann, data: { topic: { evil: 1 } } }),
    'Ann took the topic away',
  )
  assert.equal(eventWords({ event: 'invite', user: ann, data: null }), 'Ann invited ')
})

test('times are told in their largest whole unit', () => {
  assert.deepEqual([5_000, 60_000, 90_000, 3_600_000, 30 * 86_400_000, 365 * 86_400_000].map(durationWords), [
    '5 seconds',
    'minute',
    '90 seconds',
    'hour',
    '30 days',
    'year',
  ])
})
