import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normaliseName } from '@flotilla/protocol/frames.ts'
import { Names } from './names.ts'

test('every nick gets a name that is allowed, is its own, and leads back', () => {
  const names = new Names()
  const nicks = [
    'ada',
    'a~1',
    'a:',
    'a?',
    'a\u200b',
    ' a',
    'a',
    'x'.repeat(40),
    `${'x'.repeat(40)}y`,
    '',
    'e\u0301',
    'é',
  ]
  const given = nicks.map((nick) => names.nameOf(nick))
  assert.equal(new Set(given).size, nicks.length)
  for (const [i, name] of given.entries()) {
    assert.equal(normaliseName(name), name)
    assert.equal(names.nickOf(name), nicks[i])
    assert.equal(names.nameOf(nicks[i] ?? ''), name)
  }
  assert.equal(given[0], 'ada')
  assert.equal(names.mapped, given.filter((name, i) => name !== nicks[i]).length)
})

test('nicks as IRC allows them are names as they are', () => {
  const names = new Names()
  for (const nick of ['[x]', 'a\\b', '`q`', '_a_', '^^', '{|}', 'a-b', '}btorch{']) {
    assert.equal(names.nameOf(nick), nick)
  }
  assert.equal(names.mapped, 0)
})
