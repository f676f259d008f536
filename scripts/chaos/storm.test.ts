import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failuresOf, type Load } from './storm.ts'

function load(acksPerS: number, deliveriesPerS: number): Load {
  return { sendsPerS: 40, acksPerS, deliveriesPerS, ackMs: { p50: 1, p99: 2 } }
}

const WELL = {
  backMs: [800, 29_000],
  missing: 0,
  breaches: [] as string[],
  before: load(40, 4_000),
  after: load(39, 3_900),
}

test('a storm after which all is as before has no failures', () => {
  assert.deepEqual(failuresOf(WELL), [])
})

test('whoever is missing, late or was lied to is a failure, and so is a fleet that does less than before', () => {
  const cases: [Partial<typeof WELL>, RegExp][] = [
    [{ missing: 1 }, /^1 clients are not back$/],
    [{ breaches: ['1 general: lost'] }, /^1 breaches$/],
    [{ backMs: [800, 30_001] }, /^the last client was back after 30001 ms$/],
    [{ after: load(35, 3_900) }, /^acksPerS is 35 afterwards, 40 before$/],
    [{ after: load(39, 3_500) }, /^deliveriesPerS is 3500 afterwards, 4000 before$/],
  ]
  for (const [change, says] of cases) {
    const failures = failuresOf({ ...WELL, ...change })
    assert.equal(failures.length, 1, failures.join())
    assert.match(failures[0]!, says)
  }
})
