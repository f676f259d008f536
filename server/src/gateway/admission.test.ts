import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Admission, type AdmissionLimits } from './admission.ts'

// The same examples each time: a check that fails says something of the change at hand, never of its luck.
fc.configureGlobal({ seed: 1 })

const half = () => 0.5
/** 100 clients per second, 10 at once; a slot is waited for up to 200 ms, and dealt up to 5 s ahead. */
const SMALL: Partial<AdmissionLimits> = {
  floor: 10,
  ceiling: 100,
  growth: 50,
  burst: 10,
  lateMs: 100,
  cutEveryMs: 300,
  holdMs: 200,
  horizonMs: 5_000,
  graceMs: 1_500,
}
const small = (limits: Partial<AdmissionLimits> = {}) => new Admission(0, half, { ...SMALL, ...limits })

/** What the knocks of so many at one moment came to. */
function knocks(admission: Admission, now: number, count: number) {
  return Array.from({ length: count }, () => admission.knock(now))
}

describe('admission', () => {
  test('on a server with nothing to do nobody waits, however long they keep coming', () => {
    const admission = small()
    for (let now = 0; now < 10_000; now += 10) {
      assert.deepEqual(admission.knock(now), { is: 'in' })
      if (now % 50 === 0) admission.observe(now, 5)
    }
    assert.ok(
      knocks(admission, 11_000, 10).every(({ is }) => is === 'in'),
      'nor ten at once',
    )
  })

  test('[C8] of a crowd that comes at once some come in, some are held until their turn, the rest get slots behind them', () => {
    const answers = knocks(small(), 0, 100)
    const times = answers.map((answer) =>
      answer.is === 'in' ? 0 : answer.is === 'held' ? answer.waitMs : answer.retryMs,
    )
    assert.deepEqual(times.slice(0, 10), Array<number>(10).fill(0))
    // One every 10 ms, in the order of coming.
    for (let i = 10; i < 100; i += 1) assert.equal(times[i], (i - 9) * 10)
    assert.deepEqual(
      answers.map(({ is }) => is),
      [
        ...Array<string>(10).fill('in'),
        ...Array<string>(20).fill('held'),
        ...Array<string>(70).fill('put-off'),
      ],
    )
  })

  test('[C8] who comes back at its slot is let in, and so is one that is a little late', () => {
    const admission = small()
    const slots = knocks(admission, 0, 60).flatMap((a) => (a.is === 'put-off' ? [a.retryMs] : []))
    assert.equal(slots.length, 30)
    for (const slot of slots) assert.deepEqual(admission.knock(slot + 40), { is: 'in' })
    assert.equal(admission.waiting, 0)
  })

  test('[C8] who comes long before its slot, or without one, gets the place behind all others', () => {
    const admission = small()
    const last = knocks(admission, 0, 60).at(-1)
    assert.deepEqual(last, { is: 'put-off', retryMs: 500 })
    assert.deepEqual(admission.knock(20), { is: 'put-off', retryMs: 490 })
  })

  test('a slot nobody comes for is given to others, once its time is long over', () => {
    const admission = small({ graceMs: 100 })
    const slots = knocks(admission, 0, 40).filter(({ is }) => is === 'put-off').length
    assert.equal(slots, 10)
    assert.equal(
      knocks(admission, 2_000, 20).filter(({ is }) => is === 'in').length,
      10,
      'no more than a burst',
    )
    assert.equal(admission.waiting, 0)
  })

  test('slots are dealt for a bounded time ahead; the others come after that, spread out, to ask again', () => {
    const admission = small({ horizonMs: 1_000 })
    const answers = knocks(admission, 0, 10_000)
    assert.equal(admission.waiting, 80)
    assert.deepEqual(answers.at(-1), { is: 'put-off', retryMs: 1_500 })
  })

  test('the rate is halved while the event loop is late, once per round, down to the floor, and grows slowly after', () => {
    const admission = small()
    const rates: number[] = []
    for (let now = 0; now <= 1_500; now += 50) {
      admission.observe(now, 400)
      rates.push(admission.rate)
    }
    assert.deepEqual([...new Set(rates)], [50, 25, 12.5, 10])
    for (let now = 1_550; now <= 2_500; now += 50) admission.observe(now, 0)
    assert.equal(admission.rate, 60)
    for (let now = 2_550; now <= 9_000; now += 50) admission.observe(now, 0)
    assert.equal(admission.rate, 100)
  })

  test('a server that let in many when it became late goes by what came in, not by what it might have taken', () => {
    const admission = new Admission(0, half, { ...SMALL, ceiling: 5_000, burst: 500 })
    for (let now = 0; now < 400; now += 10) {
      knocks(admission, now, 4)
      if (now % 50 === 0) admission.observe(now, 0)
    }
    admission.observe(400, 150)
    assert.equal(admission.rate, 200)
  })

  test('slots dealt while it was slow are kept, and when it is faster again others come in between', () => {
    const admission = small()
    admission.observe(0, 400)
    const slots = knocks(admission, 0, 60).flatMap((a) => (a.is === 'put-off' ? [a.retryMs] : []))
    assert.equal(slots.at(-1), 1_000)
    for (let now = 50; now <= 900; now += 50) admission.observe(now, 0)
    assert.deepEqual(admission.knock(900), { is: 'in' })
  })

  test('a clock that is set back keeps nobody out', () => {
    const admission = small()
    knocks(admission, 1_000_000, 200)
    knocks(admission, 0, 1)
    assert.ok(knocks(admission, 1_000, 5).every(({ is }) => is === 'in'))
  })

  test('whoever comes when, and follows what it is told, is in at last, and never faster than the rate allows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3_000), { minLength: 1, maxLength: 400 }),
        fc.infiniteStream(fc.nat(50)),
        fc.integer({ min: 10, max: 100 }),
        (arrivals, jitter, ceiling) => {
          const admission = small({ ceiling, floor: ceiling, horizonMs: 20_000 })
          const due = arrivals.map((at) => ({ at, tries: 0 })).sort((a, b) => a.at - b.at)
          const inAt: number[] = []
          for (let one = due.shift(); one !== undefined; one = due.shift()) {
            const answer = admission.knock(one.at)
            if (answer.is === 'put-off') {
              const again = one.at + answer.retryMs + (jitter.next().value as number)
              due.push({ at: again, tries: one.tries + 1 })
              due.sort((a, b) => a.at - b.at)
              assert.ok(one.tries < 10, 'one is sent away again and again')
            } else inAt.push(answer.is === 'held' ? one.at + answer.waitMs : one.at)
          }
          assert.equal(inAt.length, arrivals.length)
          inAt.sort((a, b) => a - b)
          // In any second: a burst, what the rate gives, and who was late for a slot of before.
          for (const from of inAt) {
            const within = inAt.filter((at) => at >= from && at < from + 1_000).length
            assert.ok(within <= 2 * 10 + 1.2 * ceiling + 2, `${within} in a second at ${ceiling} per second`)
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})
