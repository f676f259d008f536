import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { reconnectDelay, resendDelay, slotDelay } from './backoff.ts'

const least = () => 0
const most = () => 1

describe('delays', () => {
  test('[R2] the first reconnect is spread over 500 ms, the next over 1 s, 2 s, 4 s … 30 s, each from 0', () => {
    const spans = [0, 1, 2, 3, 4, 5, 6, 7, 100].map((failures) => reconnectDelay(failures, most))
    assert.deepEqual(spans, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    for (const failures of [0, 1, 50]) assert.equal(reconnectDelay(failures, least), 0)
  })

  test('[R2] what a balancer asks for is a floor with jitter above it, and cannot silence a client for long', () => {
    assert.equal(reconnectDelay(0, least, 8_000), 8_000)
    assert.equal(reconnectDelay(0, most, 8_000), 10_000)
    assert.equal(reconnectDelay(9, most, 86_400_000), 75_000)
    assert.equal(reconnectDelay(0, most, -5), 500)
  })

  test('[R16] a slot is waited for, and hardly longer; nobody is silenced by it for long', () => {
    assert.deepEqual([slotDelay(3_000, least), slotDelay(3_000, most)], [3_000, 3_050])
    assert.deepEqual([slotDelay(-1, least), slotDelay(86_400_000, least)], [0, 60_000])
  })

  test('[R11] a resend waits as long as the server said, else 100–1000 ms, growing to 5 s', () => {
    assert.equal(resendDelay(7, most, 250), 250)
    assert.equal(resendDelay(0, most, 0), 0)
    const spans = [0, 1, 2, 3, 9].map((tries) => [resendDelay(tries, least), resendDelay(tries, most)])
    assert.deepEqual(spans, [
      [100, 1_000],
      [100, 2_000],
      [100, 4_000],
      [100, 5_000],
      [100, 5_000],
    ])
  })
})
