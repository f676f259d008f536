import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RESTART_LIMITS, RestartPolicy } from './restart-policy.ts'

describe('the restart policy', () => {
  test('waits twice as long with each end, up to ten seconds', () => {
    const policy = new RestartPolicy()
    const delays = Array.from({ length: 8 }, (_, i) => {
      policy.started(i)
      return policy.ended(i).restartInMs
    })
    assert.deepEqual(delays, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
  })

  test('begins with the short wait again only after thirty steady seconds', () => {
    const policy = new RestartPolicy()
    const endAfter = (readyMs: number) => {
      policy.started(0)
      policy.ready(0)
      return policy.ended(readyMs).restartInMs
    }
    endAfter(0)
    endAfter(0)
    assert.equal(endAfter(RESTART_LIMITS.steadyMs - 1), 1_000)
    assert.equal(endAfter(RESTART_LIMITS.steadyMs), 250)
    assert.equal(endAfter(0), 500)
  })

  test('does not take a long start for a steady run', () => {
    const policy = new RestartPolicy()
    policy.started(0)
    policy.ended(0)
    policy.started(0)
    assert.equal(policy.ended(60_000).restartInMs, 500)
  })

  test('kills a ready process after three failed probes and five seconds of silence', () => {
    const policy = new RestartPolicy()
    policy.started(0)
    policy.ready(0)
    assert.equal(policy.probed(true, 1_000), undefined)
    assert.equal(policy.probed(false, 3_000), undefined)
    assert.equal(policy.probed(false, 4_000), undefined)
    assert.equal(policy.probed(false, 5_000), undefined, 'three failed, but only four seconds silent')
    assert.equal(policy.probed(false, 6_000), 'kill')
    assert.equal(policy.probed(false, 7_000), undefined, 'only once')
  })

  test('gives a process that hung after a steady run the short wait', () => {
    const policy = new RestartPolicy()
    for (let i = 0; i < 5; i += 1) policy.ended(0)
    policy.started(0)
    policy.ready(0)
    policy.probed(true, 60_000)
    for (const now of [61_000, 63_000, 66_000]) policy.probed(false, now)
    assert.equal(policy.state.status, 'killed')
    assert.equal(policy.ended(66_001).restartInMs, 250)
  })

  test('forgets failed probes at an answer', () => {
    const policy = new RestartPolicy()
    policy.started(0)
    policy.ready(0)
    for (let now = 1_000; now < 60_000; now += 3_000) {
      assert.equal(policy.probed(false, now), undefined)
      assert.equal(policy.probed(false, now + 1_000), undefined)
      assert.equal(policy.probed(true, now + 2_000), undefined)
    }
  })

  test('forgives one failed probe, however long this machine slept', () => {
    const policy = new RestartPolicy()
    policy.started(0)
    policy.ready(0)
    assert.equal(policy.probed(false, 3_600_000), undefined)
    assert.equal(policy.probed(true, 3_601_000), undefined)
  })

  test('kills a process that is not ready thirty seconds after its start', () => {
    const policy = new RestartPolicy()
    policy.started(0)
    assert.equal(policy.probed(undefined, 29_999), undefined)
    assert.equal(policy.probed(undefined, 30_000), 'kill')
    assert.equal(policy.ended(30_001).restartInMs, 250)
  })
})
