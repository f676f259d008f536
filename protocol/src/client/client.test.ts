import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Entry, Seq } from '../frames.ts'
import { ChatClient, type ClientOptions } from './client.ts'
import { ANNA, Balancer, joined, message, messages, Peer } from './test/peer.ts'

/** A balancer, a scripted server, and a client that has not started. */
async function stage(t: TestContext, options: Partial<ClientOptions> = {}) {
  const peer = await Peer.open()
  const balancer = await Balancer.open(peer.url)
  const client = new ChatClient({
    loadbalancers: [balancer.base],
    identity: { username: 'anna' },
    random: () => 0.01,
    ...options,
  })
  t.after(async () => {
    client.close()
    await peer.close()
    await balancer.close()
  })
  return { peer, balancer, client }
}

function follow(room: ReturnType<ChatClient['room']>) {
  const seen = {
    calls: [] as Seq[][],
    entries: [] as Entry[],
    acks: [] as string[],
    refused: [] as string[],
    resets: 0,
    get seqs() {
      return seen.entries.map(({ seq }) => seq)
    },
    /** Resolves when `holds`; looked at after whatever happens in the room. */
    until(holds: () => boolean): Promise<void> {
      return new Promise((resolve) => {
        const look = () => {
          if (!holds()) return
          stop()
          resolve()
        }
        const stop = room.listen({ entries: look, change: look, ack: look, refused: look, reset: look })
        queueMicrotask(look)
      })
    },
  }
  room.listen({
    entries: (entries) => {
      seen.calls.push(entries.map(({ seq }) => seq))
      seen.entries.push(...entries)
    },
    ack: ({ id, seq }) => seen.acks.push(`${id}@${seq}`),
    refused: ({ id, code }) => seen.refused.push(`${id}:${code}`),
    reset: () => {
      seen.resets += 1
      seen.entries.length = 0
    },
  })
  return seen
}

describe('a client', () => {
  test('[C1] [R4] goes where the balancer says, joins its rooms and shows what is streamed', async (t) => {
    const { peer, client } = await stage(t)
    const room = client.room('general')
    const seen = follow(room)
    client.start()
    const line = await peer.connection(0)
    assert.equal(line.url, '/ws?username=anna')
    const join = await line.next('join')
    assert.deepEqual({ ...join, ref: 0 }, { type: 'join', ref: 0, room: 'general' })
    line.say(joined({ ref: join.ref!, head: 12, first: 11 }), ...messages(11, 12))
    await seen.until(() => seen.entries.length === 2)
    line.say(message(13))
    await seen.until(() => seen.entries.length === 3)
    assert.deepEqual(seen.calls, [[11, 12], [13]])
    assert.equal(client.connection.status, 'live')
    assert.deepEqual(room.state, { status: 'live', log: 'L', head: 13, first: 11, members: [ANNA], count: 1 })
  })
})
