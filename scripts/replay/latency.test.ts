import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Latency } from './latency.ts'

test('quantiles are right to two percent', () => {
  const latency = new Latency()
  for (let i = 1000; i >= 1; i -= 1) latency.add(i / 10)
  for (const [part, exact] of [
    [0.5, 50],
    [0.99, 99],
    [1, 100],
  ] as const) {
    const found = latency.quantile(part) ?? 0
    assert.ok(found >= exact && found <= exact * 1.02, `${part}: ${found} for ${exact}`)
  }
})

test('nothing measured has no quantile', () => {
  assert.equal(new Latency().quantile(0.5), undefined)
  assert.equal(new Latency().describe(), 'none')
})
