import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startFleet, until } from './harness.ts'
import { Person } from './person.ts'

describe('a server killed with -9', () => {
  test('its rooms go on when it is back, nothing acked is missing, and nobody elsewhere gets a final error', async (t) => {
    const fleet = await startFleet({ t, servers: 2, serverArgs: ['--rate', '0'] })
    const people = await Person.oneOnEachServer(t, fleet)
    const home = await homeOf(fleet.loadbalancer.url, 'general')
    const doomed = fleet.servers.find(({ id }) => id === home)
    assert.ok(doomed)
    const elsewhere = people.find(({ server }) => server !== home)
    assert.ok(elsewhere)

    for (let i = 0; i < 50; i += 1) for (const person of people) person.say(`before ${i}`)
    await until('some are acked, some are under way', () => people.every(({ acks }) => acks.size >= 10))
    doomed.kill('SIGKILL')
    await doomed.exited
    for (let i = 0; i < 10; i += 1) for (const person of people) person.say(`during ${i}`)
    await doomed.restart()
    for (const person of people) person.say('after')
    await until('everything is acked', () => people.every(({ acks, said }) => acks.size === said.length), {
      timeoutMs: 60_000,
    })
    const head = people.reduce((sum, { said }) => sum + said.length, 0)
    await until('everybody has seen all', () => people.every(({ seen }) => seen.length === head))

    for (const person of people) {
      assert.deepEqual(person.refused, [])
      assert.deepEqual(
        person.seen.map(({ seq }) => seq),
        Array.from({ length: head }, (_, i) => i + 1),
      )
      assert.deepEqual(person.seen, people[0]?.seen)
      for (const [id, seq] of person.acks) assert.equal(person.seen[seq - 1]?.id, id)
      assert.deepEqual(
        person.seen
          .filter((entry) => entry.user.name === person.name && entry.type === 'message')
          .map(({ id }) => id),
        person.said,
      )
    }
  })
})

async function homeOf(loadbalancer: string, room: string): Promise<string> {
  const login = await fetch(`${loadbalancer}/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'asker' }),
  })
  const { token } = (await login.json()) as { token: string }
  const place = await fetch(`${loadbalancer}/api/rooms/${room}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  return ((await place.json()) as { home: string }).home
}
