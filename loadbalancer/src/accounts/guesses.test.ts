import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Guesses, GUESSES_MS } from './guesses.ts'

const ann = { key: 'ann', address: '192.0.2.1', device: undefined }
const device = Buffer.from('device')

/** How many of 200 tries are let in. */
function letIn(guesses: Guesses, who: (at: number) => Parameters<Guesses['take']>[0], now = 0): number {
  return Array.from({ length: 200 }, (_, at) => guesses.take(who(at), now)).filter(
    (taken) => typeof taken !== 'number',
  ).length
}

test('ten wrong passwords for one account, from wherever they come', () => {
  const guesses = new Guesses()
  assert.equal(
    letIn(guesses, (at) => ({ ...ann, address: `192.0.2.${at}` })),
    10,
  )
  assert.equal(guesses.take(ann, 1_000), GUESSES_MS - 1_000)
  assert.equal(
    letIn(guesses, () => ann, GUESSES_MS),
    10,
    'and again when the time is over',
  )
})

test('a hundred from one address, whoever they are tried for', () => {
  const guesses = new Guesses()
  assert.equal(
    letIn(guesses, (at) => ({ ...ann, key: `name ${at}` })),
    100,
  )
  assert.ok(typeof guesses.take({ ...ann, key: 'another' }, 0) === 'number')
  assert.ok(typeof guesses.take({ ...ann, key: 'another', address: '192.0.2.2' }, 0) === 'function')
})

test('the right one is no try, though many are under way at once', () => {
  const guesses = new Guesses()
  for (let at = 0; at < 200; at += 1) {
    const taken = guesses.take(ann, 0)
    assert.ok(typeof taken === 'function', `try ${at}`)
    taken()
  }
})

test('an owner comes in by a device the account knows while strangers guess, and that device has ten tries, too', () => {
  const guesses = new Guesses()
  letIn(guesses, () => ann)
  assert.equal(
    letIn(guesses, () => ({ ...ann, device })),
    10,
  )
  assert.equal(
    letIn(guesses, () => ({ ...ann, key: 'bob', device })),
    20,
    'for another account ten more, and the ten of everybody',
  )
})
