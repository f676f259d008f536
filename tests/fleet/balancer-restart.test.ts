import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startFleet } from './harness.ts'
import { Person } from './person.ts'

describe('a balancer that is killed and started again', () => {
  test('knows every server again soon, and nobody who chats notices', async (t) => {
    const fleet = await startFleet({ t, servers: 3, serverArgs: ['--rate', '0'] })
    const people = await Person.oneOnEachServer(t, fleet)
    const talk = async (text: string) => {
      for (const person of people) person.say(`${text} by ${person.name}`)
      await Promise.all(
        people.flatMap((listener) => people.map(({ name }) => listener.hears(`${text} by ${name}`))),
      )
    }
    await talk('before')
    fleet.loadbalancer.kill('SIGKILL')
    await fleet.loadbalancer.exited
    await talk('without a balancer')
    await fleet.loadbalancer.restart()
    const readyAt = performance.now()
    await fleet.complete()
    t.diagnostic(
      `registry complete ${Math.round(performance.now() - readyAt)} ms after the balancer was ready`,
    )
    await talk('after')

    for (const person of people) {
      assert.deepEqual(person.statuses, [], `${person.name} kept the connection`)
      assert.deepEqual(person.refused, [])
    }
    await Person.enter(t, 'newcomer', fleet.loadbalancer.url)
  })
})
