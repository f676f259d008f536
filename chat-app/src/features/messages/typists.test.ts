import assert from 'node:assert/strict'
import { test } from 'node:test'
import { began, ended, expire, NOBODY, typingWords } from './typists.ts'

const ANA = { id: 'guest:ana', name: 'ana' }
const BO = { id: 'guest:bo', name: 'bo' }

test('who types is shown until the time runs out, and hearing again renews it', () => {
  const both = began(began(NOBODY, ANA, 100), BO, 200)
  const renewed = began(both, ANA, 300)
  assert.deepEqual([...expire(renewed, 200).keys()], ['guest:ana'])
  assert.equal(expire(renewed, 300).size, 0)
  assert.equal(expire(both, 50), both)
})

test('who said something types no more', () => {
  const both = began(began(NOBODY, ANA, 100), BO, 100)
  assert.deepEqual([...ended(both, ['guest:ana']).keys()], ['guest:bo'])
  assert.equal(ended(both, ['guest:x']), both)
})

test('a crowd that types is bounded', () => {
  let typists = NOBODY
  for (let index = 0; index < 1_000; index += 1) typists = began(typists, { id: `g${index}`, name: 'x' }, 1)
  assert.ok(typists.size <= 20)
})

test('the line names two at most', () => {
  assert.equal(typingWords([]), '')
  assert.equal(typingWords(['ana']), 'ana is typing')
  assert.equal(typingWords(['ana', 'bo']), 'ana and bo are typing')
  assert.equal(typingWords(['ana', 'bo', 'cy']), 'ana, bo and 1 other are typing')
  assert.equal(typingWords(['ana', 'bo', 'cy', 'di']), 'ana, bo and 2 others are typing')
})
