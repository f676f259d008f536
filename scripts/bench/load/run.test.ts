import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Run } from './run.ts'

test('only the sends of the measured window are timed, however late they arrive, and those of other runs never', () => {
  const run = new Run(7)
  const now = performance.now()
  run.due(now)
  run.measure()
  const id = run.due(now - 50)
  run.endMeasuring()
  run.due(now)
  assert.equal(id, `${process.pid}.7-1`)
  for (const k of [0, 1, 2]) {
    run.arrive(7, k)
    run.ack(7, k)
    run.arrive(6, k)
    run.ack(6, k)
  }
  assert.deepEqual(
    [run.sent, run.acked, run.deliveries.count, run.acks.count, run.late.count],
    [3, 3, 1, 1, 1],
  )
  assert.ok((run.deliveries.quantile(0.5) ?? 0) >= 49)
  assert.ok((run.late.quantile(0.5) ?? 0) >= 49)
})

test('what was due by a time is counted, sent or not yet answered', () => {
  const run = new Run(0)
  for (const at of [10, 20, 30]) run.due(at)
  assert.deepEqual([run.dueBy(9), run.dueBy(20), run.dueBy(29), run.dueBy(99)], [0, 2, 2, 3])
})
