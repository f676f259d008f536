import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { AskedProcess } from './asked-process.ts'

interface SmallOrders {
  double: { ask: number; answer: number }
  fail: { ask: number; answer: never }
  hang: { ask: number; answer: never }
  end: { ask: number; answer: never }
}
const PATIENCE_MS = 60_000

function start(t: TestContext) {
  const asked = new AskedProcess<SmallOrders>(join(import.meta.dirname, 'test/small-asked.ts'), 'the helper')
  t.after(() => asked.stop())
  return asked
}

describe('a process that is asked', () => {
  test('carries out one order after the other, and says why it could not', async (t) => {
    const asked = start(t)
    assert.equal(await asked.ask('double', 21, PATIENCE_MS), 42)
    await assert.rejects(asked.ask('fail', 0, PATIENCE_MS), /^Error: the helper: no such thing$/)
    assert.equal(await asked.ask('double', 1, PATIENCE_MS), 2)
    assert.ok(asked.pid > 0)
  })

  test('that does not finish in time, or ends, is an error and not a wait for ever', async (t) => {
    const asked = start(t)
    assert.equal(await asked.ask('double', 0, PATIENCE_MS), 0)
    await assert.rejects(asked.ask('hang', 0, 1), /did not finish "hang"/)
    await assert.rejects(asked.ask('end', 0, PATIENCE_MS), /ended \(exit code 3\)/)
    await asked.stop()
  })
})
