import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chatLine, isStood } from './chat-rows.ts'
import type { Sends } from './load/orders.ts'

const MEMBERS = 10
const RATE = 100
const FINE: Sends = {
  windowMs: 2_000,
  fromUs: 0,
  toUs: 2_000_000,
  sends: 200,
  deliveries: 2_000,
  ackMs: { p50: 1, p99: 2, p999: 3 },
  deliveryMs: { p50: 4, p99: 100, p999: 200 },
  serverCpuMs: 500,
  edgesCpuMs: [],
  rssKib: 102_400,
  othersCpuMs: 10,
  isOverloaded: false,
  missingAcks: 0,
  missingDeliveries: 0,
  surplusDeliveries: 0,
  outOfOrder: 0,
  errors: {},
  load: { cpu: 0.5, loopDelayMs: 1, sendLateMs: 0.1 },
}

describe('a rate is stood', () => {
  test('when all of it arrived in time', () => {
    assert.equal(isStood(RATE, MEMBERS, FINE), true)
  })

  const faults: [string, Partial<Sends>][] = [
    ['one delivery in a hundred was later than 100 ms', { deliveryMs: { p50: 4, p99: 101, p999: 200 } }],
    ['something never arrived', { missingDeliveries: 1 }],
    ['a send was never acked', { missingAcks: 1 }],
    ['less arrived in the window than was due', { deliveries: 1_900 }],
    ['it was given up', { isOverloaded: true }],
    ['nothing was measured', { deliveryMs: { p50: undefined, p99: undefined, p999: undefined } }],
  ]
  for (const [says, fault] of faults) {
    test(`not when ${says}`, () => assert.equal(isStood(RATE, MEMBERS, { ...FINE, ...fault }), false))
  }
})

describe('a line of figures', () => {
  test('is per delivery and per second, without a word where nothing is wrong', () => {
    const { values, notes } = chatLine('flotilla', RATE, MEMBERS, FINE)
    assert.equal(values['deliveriesPerS'], 1_000)
    assert.equal(values['cpuUsPerDelivery'], 250)
    assert.equal(values['serverCpu'], 25)
    assert.equal(values['rssMib'], 100)
    assert.deepEqual(notes, [])
  })

  test('says what has to be known to read it', () => {
    const load = { ...FINE.load, cpu: 0.9 }
    const faults = { surplusDeliveries: 2, outOfOrder: 1, errors: { closed: 3 }, othersCpuMs: 400, load }
    assert.deepEqual(chatLine('flotilla', RATE, MEMBERS, { ...FINE, ...faults }).notes, [
      'load generator near its limit',
      'other programs used 20 % of a core',
      '2 deliveries too many',
      '1 out of order',
      '3 closed',
    ])
  })

  test('of a saturated server does not call missing what was not waited for', () => {
    const far = { isOverloaded: true, missingAcks: 5, missingDeliveries: 50 }
    assert.deepEqual(chatLine('flotilla', RATE, MEMBERS, { ...FINE, ...far }).notes, ['saturated'])
  })
})
