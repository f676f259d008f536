import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whoReacted } from './reactions.ts'

const people = (...names: string[]) => names.map((name) => ({ id: `guest:${name}`, name }))
const who = (...names: string[]) => whoReacted({ emoji: '👍', users: people(...names) }, { id: 'guest:me' })

test('who put an emoji is told by name, oneself as "you", and of many how many more', () => {
  assert.equal(who('me'), 'you')
  assert.equal(who('bo', 'me'), 'bo and you')
  assert.equal(who('ana', 'bo', 'cyd'), 'ana, bo and cyd')
  const many = Array.from({ length: 20 }, (_, index) => `p${index}`)
  assert.equal(who(...many), 'p0, p1, p2, p3, p4, p5, p6 and 13 others')
  assert.equal(who(...many.slice(0, 8)), 'p0, p1, p2, p3, p4, p5, p6 and p7')
})
