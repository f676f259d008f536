import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { choose, FAULT_KINDS, planFaults, type PlannedFault } from './plan.ts'

const OPTIONS = { seed: 7, kinds: FAULT_KINDS, longestMs: 15_000, overlapping: 0.25 }

function first(count: number, options: Partial<Parameters<typeof planFaults>[0]> = {}): PlannedFault[] {
  const plan = planFaults({ ...OPTIONS, ...options })
  return Array.from({ length: count }, () => plan.next().value as PlannedFault)
}

describe('the plan of the faults', () => {
  test('is the same for the same seed, and another one for another', () => {
    assert.deepEqual(first(200), first(200))
    assert.notDeepEqual(first(200), first(200, { seed: 8 }))
  })

  test('has every kind equally often', () => {
    const counts = Map.groupBy(first(20 * FAULT_KINDS.length), ({ fault }) => fault.kind)
    for (const kind of FAULT_KINDS) assert.equal(counts.get(kind)?.length, 20, kind)
  })

  test('has only the kinds asked for', () => {
    const kinds = new Set(first(50, { kinds: ['kill', 'disk'] }).map(({ fault }) => fault.kind))
    assert.deepEqual([...kinds].sort(), ['disk', 'kill'])
  })

  test('keeps pauses and cuts within the longest asked for, and uses all of it', () => {
    for (const longestMs of [1_000, 15_000]) {
      const times = first(1_000, { longestMs, kinds: ['pause'] }).map(
        ({ fault }) => 'ms' in fault && fault.ms,
      )
      assert.ok(Math.max(...times.map(Number)) <= longestMs)
      assert.ok(Math.max(...times.map(Number)) > longestMs * 0.9)
      assert.ok(Math.min(...times.map(Number)) < longestMs * 0.2)
    }
  })

  test('has as many faults alone as asked for', () => {
    for (const overlapping of [0, 0.25, 0.7, 1]) {
      const alone = first(4_000, { overlapping }).filter(({ isAlone }) => isAlone).length
      assert.ok(Math.abs(alone / 4_000 - (1 - overlapping)) < 0.05, `${alone} of 4,000 for ${overlapping}`)
    }
  })

  test('lets nothing begin together with one that is alone', () => {
    for (const [at, { isAlone, isOverlapping }] of first(500).entries()) {
      if (!isAlone) continue
      assert.equal(isOverlapping, false)
      assert.equal(first(at + 2).at(-1)?.isOverlapping, false)
    }
  })

  test('fills disks and lets writes fail in turn', () => {
    const modes = first(10, { kinds: ['disk'] }).map(({ fault }) => fault.kind === 'disk' && fault.how.mode)
    assert.deepEqual(modes.slice(0, 4), ['full', 'io', 'full', 'io'])
  })

  test('has no rolling restart unless asked for, and then alone', () => {
    assert.ok(!first(200).some(({ fault }) => fault.kind === 'roll'))
    const rolls = first(200, { kinds: ['kill', 'roll'], overlapping: 0.9 }).filter(
      ({ fault }) => fault.kind === 'roll',
    )
    assert.equal(rolls.length, 100)
    assert.ok(rolls.every(({ isAlone, isOverlapping }) => isAlone && !isOverlapping))
  })

  test('aims at homes of rooms where there are any, and elsewhere at all servers', () => {
    assert.equal(choose({ isHome: true, at: 0.99 }, ['b', 'c'], ['a', 'b', 'c']), 'c')
    assert.equal(choose({ isHome: false, at: 0 }, ['b', 'c'], ['a', 'b', 'c']), 'a')
    assert.equal(choose({ isHome: true, at: 0.5 }, [], ['a', 'b']), 'b')
  })
})
