import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agoWords, clockWords, countWords, shareWords } from './fleet-words.ts'

test('an age is said in the unit one would use, and is never in the future', () => {
  const words = [-500, 1_999, 2_000, 59_999, 60_000, 3_599_000, 7_300_000].map(agoWords)
  assert.deepEqual(words, [
    'just now',
    'just now',
    '2 s ago',
    '59 s ago',
    '1 min ago',
    '59 min ago',
    '2 h ago',
  ])
})

test('a share of a few is not rounded to nothing', () => {
  assert.deepEqual(
    [shareWords(0, 100), shareWords(3, 10_000), shareWords(1, 3), shareWords(120, 100), shareWords(0, 0)],
    ['0%', '<1%', '33%', '120%', '0%'],
  )
  assert.equal(countWords(10_000), '10,000')
})

test('the time of day has its seconds, and nothing besides', () => {
  assert.match(clockWords(new Date(2026, 0, 2, 15, 4, 5).getTime()), /^(3|15):04:05$/)
})
