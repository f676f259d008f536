import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inCommon, renewed, type Lineage } from './lineage.ts'

const first: Lineage & { head: number } = { log: 'one', was: [], head: 6 }

test('of one log all is the same entry, of two that know nothing of each other none is', () => {
  assert.deepEqual(inCommon(first, { log: 'one', was: [] }), [[1, Infinity]])
  assert.deepEqual(inCommon(first, { log: 'two', was: [] }), [])
})

test('a log that goes on in another is the same up to where it was left, and no further', () => {
  const second = renewed({ ...first, head: 4 }, 'two')
  assert.deepEqual(second, { log: 'two', was: [{ log: 'one', ranges: [[1, 4]] }] })
  assert.deepEqual(inCommon(first, second), [[1, 4]])
  assert.deepEqual(inCommon(second, first), [[1, 4]])
  const third = renewed({ ...second, head: 9 }, 'three')
  assert.deepEqual(inCommon(third, second), [[1, 9]])
  assert.deepEqual(inCommon(third, first), [[1, 4]])
})

test('a log that lost what it had from an earlier one has only the rest in common with that', () => {
  const second = renewed({ ...first, head: 4 }, 'two')
  assert.deepEqual(inCommon(renewed({ ...second, head: 3 }, 'three'), first), [[1, 3]])
  assert.deepEqual(renewed({ ...second, head: 0 }, 'three').was, [])
})

test('two logs that went on from one each have in common what both have of it', () => {
  const here = renewed({ ...first, head: 5 }, 'here')
  const there = renewed({ ...first, head: 3 }, 'there')
  assert.deepEqual(inCommon(here, there), [[1, 3]])
})

test('what was damaged is in common with no earlier log', () => {
  const mended = renewed(first, 'two', [
    [1, 2],
    [4, 6],
  ])
  assert.deepEqual(inCommon(mended, first), [
    [1, 2],
    [4, 6],
  ])
  assert.deepEqual(inCommon(renewed({ ...mended, head: 5 }, 'three'), first), [
    [1, 2],
    [4, 5],
  ])
})

test('a room that nobody has used has nothing in common with another', () => {
  assert.deepEqual(inCommon({ log: '', was: [] }, { log: '', was: [] }), [])
})

test('of many renewals the last are remembered', () => {
  let log = { ...first, ...renewed(first, 'log 0') }
  for (let i = 1; i <= 100; i += 1) log = { ...log, ...renewed(log, `log ${i}`) }
  assert.equal(log.was.length, 32)
  assert.equal(log.was.at(-1)?.log, 'log 99')
})
