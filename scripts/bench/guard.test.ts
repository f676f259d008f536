import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judge, verdict, type Bound } from './guard.ts'

const BOUNDS: readonly Bound[] = [
  { key: 'cpuUs', says: 'CPU', digits: 1, atMost: 0.8 },
  { key: 'kib', says: 'KiB', digits: 0, atMost: 3 },
]

describe('the guard', () => {
  test('what costs more than its part of what it costs the plain server is beyond', () => {
    const { table, beyond, unknown } = judge(BOUNDS, { cpuUs: 9, kib: 20 }, { cpuUs: 10, kib: 10 })
    assert.deepEqual([beyond, unknown], [['CPU'], []])
    assert.deepEqual(table, [
      '     flotilla  plain  flotilla/plain  at most',
      'CPU  9.0       10.0   0.90            0.80     BEYOND',
      'KiB  20        10     2.00            3.00     ok',
    ])
  })

  test('at the bound is within it', () => {
    assert.deepEqual(judge(BOUNDS, { cpuUs: 8, kib: 30 }, { cpuUs: 10, kib: 10 }).beyond, [])
  })

  test('what could not be measured is neither good nor bad, and said to be unknown', () => {
    const { beyond, unknown } = judge(BOUNDS, { cpuUs: undefined, kib: 0 }, { cpuUs: 1, kib: 1 })
    assert.deepEqual([beyond, unknown], [[], ['CPU', 'KiB']])
  })

  test('only what is beyond in every try counts', () => {
    const quiet = (...beyond: string[]) => ({ beyond, isBusy: false })
    assert.deepEqual(verdict([quiet('CPU', 'KiB'), quiet('KiB')]), { beyond: ['KiB'], isBusy: false })
    assert.deepEqual(verdict([quiet('CPU'), quiet('KiB')]), { beyond: [], isBusy: false })
    assert.deepEqual(verdict([quiet('CPU')]), { beyond: ['CPU'], isBusy: false })
    assert.deepEqual(verdict([]), { beyond: [], isBusy: false })
  })

  test('what is beyond while others were busy is not held against the program', () => {
    const tries = [
      { beyond: ['CPU'], isBusy: true },
      { beyond: ['CPU'], isBusy: false },
    ]
    assert.deepEqual(verdict(tries), { beyond: ['CPU'], isBusy: true })
  })
})
