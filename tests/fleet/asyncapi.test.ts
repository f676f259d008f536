import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENT_FRAMES, type ServerFrame } from '@flotilla/protocol/frames.ts'
import { SERVER_FRAMES } from '@flotilla/protocol/server-frames.ts'
import { Account } from './account.ts'
import { atEnd, startFleet, until } from './harness.ts'
import { RawClient } from './raw-client.ts'

interface Document {
  components: { messages: Record<string, { name: string }> }
}

test('each frame of the AsyncAPI document is said once by real processes, and each that is said is as documented', async (t) => {
  const fleet = await startFleet({ t, servers: 2 })
  const [server] = fleet.servers
  assert.ok(server)
  const [ann, ben] = [await Account.signUp(t, fleet, 'ann'), await Account.signUp(t, fleet, 'ben')]
  const room = await ann.makeRoom('private')
  await ann.does(`POST /api/rooms/${room}/invite`, { username: 'ben' })
  await ben.does(`POST /api/rooms/${room}/join`, {})
  const [one, two] = [await ann.enter(server), await ben.enter(server)]
  const guest = await RawClient.open(server.url, 'guest')
  atEnd(t, () => guest.close())

  // Every frame a client can say, each answered.
  const asked = new Set<string>()
  const ask = async (client: RawClient, frame: { type: string } & Record<string, unknown>) => {
    asked.add(frame.type)
    const ref = `r${asked.size}-${client.frames.length}`
    client.say({ ...frame, ref })
    return until(`an answer to ${frame.type}`, () =>
      client.frames.find((answer) => 'ref' in answer && answer.ref === ref),
    )
  }
  const succeeds = async (client: RawClient, frame: Parameters<typeof ask>[1]) => {
    const answer = await ask(client, frame)
    assert.notEqual(answer.type, 'error', JSON.stringify(answer))
    return answer as ServerFrame & { seq: number }
  }
  await one.join(room)
  await two.join(room)
  asked.add('join')
  const { seq: target } = await succeeds(one, { type: 'send', room, id: 'a', text: 'hello' })
  await succeeds(one, { type: 'edit', room, id: 'b', target, text: 'hello there' })
  await succeeds(two, { type: 'react', room, id: 'c', target, emoji: '👋', on: true })
  await succeeds(one, { type: 'send', room, id: 'd', text: 'an answer', replyTo: target })
  await succeeds(one, { type: 'delete', room, id: 'e', target })
  await succeeds(one, { type: 'history', room, after: 0, limit: 10 })
  await succeeds(one, { type: 'ping' })
  asked.add('typing')
  one.say({ type: 'typing', room })
  await two.next('typing')
  assert.equal((await ask(guest, { type: 'join', room })).type, 'error')
  await succeeds(guest, { type: 'join', room: 'general', since: 0, log: 'another' })
  await succeeds(guest, { type: 'leave', room: 'general' })

  // What servers say by themselves.
  await one.next('head')
  await ann.does(`PATCH /api/rooms/${room}`, { topic: 'What to do' })
  await one.next('system', ({ event }) => event === 'topic')
  await ann.does(`POST /api/rooms/${room}/remove`, { user: ben.id })
  await two.next('left', ({ reason }) => reason === 'removed')
  const drain = await fetch(`${fleet.loadbalancer.url}/internal/drain`, {
    method: 'POST',
    headers: { authorization: `Bearer ${fleet.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id: server.id, drain: true }),
  })
  assert.equal(drain.status, 200)
  await one.next('move')

  const document = (await (await fetch(`${fleet.loadbalancer.url}/asyncapi.json`)).json()) as Document
  const documented = Object.keys(document.components.messages)
  const heard = [one, two, guest].flatMap(({ frames }) => frames)
  const said = new Set([
    ...[...asked].map((type) => `client.${type}`),
    ...heard.map(({ type }) => `server.${type}`),
  ])
  assert.deepEqual([...said].sort(), documented.sort())
  assert.deepEqual([...asked].sort(), Object.keys(CLIENT_FRAMES).sort())
  for (const frame of heard) {
    // Also nothing beside it: what a schema does not know, it leaves out.
    assert.deepEqual(SERVER_FRAMES[frame.type].parse(frame), frame)
  }
})
