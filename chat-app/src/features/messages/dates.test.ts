import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dayName, shortMoment, timeOfDay } from './dates.ts'

test('a day is named by its nearness, and by its year only if that is another', () => {
  const now = new Date(2026, 10, 21, 0, 5).getTime()
  assert.equal(dayName(now, now), 'Today')
  assert.equal(dayName(new Date(2026, 10, 20, 23, 55).getTime(), now), 'Yesterday')
  assert.ok(!dayName(new Date(2026, 10, 19).getTime(), now).includes('2026'))
  assert.ok(dayName(new Date(2025, 10, 21).getTime(), now).includes('2025'))
})

test('yesterday is the day before even when the clocks change', () => {
  // In zones that end summer time on 25 October 2026 this day has 25 hours.
  assert.equal(
    dayName(new Date(2026, 9, 25, 0, 1).getTime(), new Date(2026, 9, 26, 0, 1).getTime()),
    'Yesterday',
  )
})

test('in a list of moments those of today have their time, others their date', () => {
  const now = new Date(2026, 10, 21, 12).getTime()
  const morning = new Date(2026, 10, 21, 6, 30).getTime()
  assert.equal(shortMoment(morning, now), timeOfDay(morning))
  assert.match(shortMoment(new Date(2026, 10, 19, 6, 30).getTime(), now), /19/)
})
