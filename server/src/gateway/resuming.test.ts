import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { ChatServer } from '../server.ts'
import { Fleet } from '../test/kit.ts'
import { until } from '../test/until.ts'

const SAID = 120

async function readsAt({ port }: ChatServer): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^flotilla_store_reads_total (\S+)$/m.exec(text)?.[1])
}

describe('many who resume at once', () => {
  const fleets: Fleet[] = []
  after(() => Promise.all(fleets.map((fleet) => fleet.close())))

  test('[J4] at a server that has just taken their room over, read the store as often as a few do', async () => {
    const readsOf = async (many: number): Promise<number> => {
      const fleet = await Fleet.start({ servers: 2 })
      fleets.push(fleet)
      const room = await fleet.room(0)
      const speaker = await fleet.member(room, 0)
      for (let i = 0; i < SAID; i += 1) {
        speaker.say({ type: 'send', room, id: `m${i}`, text: `message ${i}` })
      }
      await speaker.until('all are acked', (client) => client.of('ack').length === SAID)
      const [dying, survivor] = fleet.servers as [ChatServer, ChatServer]
      await fleet.stop(dying)
      const first = await fleet.client(survivor)
      await until('the room has another home', async () => {
        const answer = await first.ask({ type: 'join', room, since: SAID }, 'joined')
        return (answer.type as string) === 'joined'
      })
      const clients = await Promise.all(Array.from({ length: many }, () => fleet.client(survivor)))
      await Promise.all(
        clients.map(async (client, i) => {
          const since = SAID - 1 - ((i * 7) % (SAID - 10)) // each missed another number of entries
          await client.join(room, { since })
          await client.upTo(room, SAID)
          assert.equal(client.seqs(room).length, SAID - since)
        }),
      )
      return readsAt(survivor)
    }
    const [few, many] = [await readsOf(4), await readsOf(200)]
    assert.ok(few >= 1, 'the new home had nothing in memory')
    assert.ok(many <= few + 3, `${many} readings for 200, ${few} for 4`)
  })
})
