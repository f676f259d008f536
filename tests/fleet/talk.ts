import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { atEnd, until } from './harness.ts'
import type { Person } from './person.ts'

/** People who talk all the time, and what has to be true of it afterwards. */

/** Everybody says something this often, in turn, until the test ends at the latest. @returns the way to stop */
export function keepTalking(t: TestContext, people: readonly Person[], everyMs: number): () => void {
  let said = 0
  const timer = setInterval(
    () => people[said % people.length]?.say(`${(said += 1)}`),
    everyMs / people.length,
  )
  const stop = () => clearInterval(timer)
  atEnd(t, stop)
  return stop
}

/** All that was said is acked and was heard by all, once, in one order, and by each sender in his own. */
export async function assertNothingLost(people: readonly Person[]): Promise<void> {
  const head = people.reduce((sum, { said }) => sum + said.length, 0)
  await until('everything is acked', () => people.every(({ acks, said }) => acks.size === said.length), {
    timeoutMs: 60_000,
  })
  await until('everybody has heard all', () => people.every(({ seen }) => (seen.at(-1)?.seq ?? 0) >= head))
  for (const person of people) {
    assert.deepEqual(person.refused, [])
    assert.equal(person.resets, 0)
    assert.deepEqual(
      person.seen.map(({ seq }) => seq),
      Array.from({ length: head }, (_, i) => i + 1),
    )
    assert.deepEqual(person.seen, people[0]?.seen)
    for (const [id, seq] of person.acks) assert.equal(person.seen[seq - 1]?.id, id)
    const own = person.seen.filter(({ user }) => user.name === person.name).map(({ id }) => id)
    assert.deepEqual(own, person.said)
  }
}

/** `max 12 ms, p99 8 ms of 300`: for a test's diagnostics. */
export function describeAcks(people: readonly Person[]): string {
  const all = people.flatMap(({ ackMs }) => ackMs).sort((a, b) => a - b)
  const p99 = all[Math.ceil(all.length * 0.99) - 1] ?? 0
  return `ack p99 ${Math.round(p99)} ms, longest ${Math.round(all.at(-1) ?? 0)} ms, of ${all.length}`
}
