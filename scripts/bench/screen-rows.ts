// Message to screen: two people on two servers of a fleet, by the client library that the app uses. From the call that
// sends to the entry at the other one, while nothing else happens.
import { setTimeout as pause } from 'node:timers/promises'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import { startLocalFleet, type LocalFleet } from '../fleet/local-fleet.ts'
import { until } from '../fleet/until.ts'
import { Latency } from '../replay/latency.ts'
import { homeOf, SERVER_ARGS } from './flotilla-target.ts'
import type { Column, Row } from './report.ts'

const ROOM = 'general'
const EVERY_MS = 20
const WARM_UP = 50
const ARRIVES_WITHIN_MS = 10_000

export const SCREEN_COLUMNS: readonly Column[] = [
  { key: 'messages', head: 'messages', digits: 0, isCompared: false },
  { key: 'screenP50Ms', head: 'to screen p50 ms', digits: 2, isCompared: false },
  { key: 'screenP99Ms', head: 'p99', digits: 2, isCompared: false },
  { key: 'ackP50Ms', head: 'ack p50 ms', digits: 2, isCompared: false },
  { key: 'ackP99Ms', head: 'p99', digits: 2, isCompared: false },
]

/** One row for a sender on the room's home, one for a sender on the other server. */
export async function measureScreen(seconds: number): Promise<Row[]> {
  await using fleet = await startLocalFleet({ servers: 2, serverArgs: SERVER_ARGS })
  const people = fleet.servers.map((server, i) => newPerson(fleet, server.url, `person-${i}`))
  try {
    for (const person of people) await enter(person)
    const home = await homeOf(fleet.loadbalancer.url, ROOM)
    const rows: Row[] = []
    for (const sender of people) {
      const reader = people.find((person) => person !== sender)
      if (reader === undefined) throw new Error('two servers are needed')
      const label = `sender on ${sender.server() === home ? 'the home' : 'the other'}, reader on ${reader.server() === home ? 'the home' : 'the other'}`
      rows.push(await converse(label, sender, reader, Math.floor((seconds * 1_000) / EVERY_MS)))
    }
    return rows
  } finally {
    for (const { client } of people) client.close()
  }
}

type Person = ReturnType<typeof newPerson>

function newPerson(fleet: LocalFleet, url: string, name: string) {
  const client = new ChatClient({
    loadbalancers: [fleet.loadbalancer.url],
    identity: { username: name },
    // Each is on a server of its own, whatever the balancer would choose.
    fetch: () => Promise.resolve(Response.json({ url, alternatives: [] })),
  })
  const server = () => (client.connection.status === 'live' ? client.connection.server : undefined)
  return { name, client, room: client.room(ROOM), server }
}

async function enter({ name, client, room }: Person): Promise<void> {
  client.start()
  await until(`${name} is in the room`, () => room.state.status === 'live')
}

async function converse(label: string, sender: Person, reader: Person, messages: number): Promise<Row> {
  const screen = new Latency()
  const ack = new Latency()
  const sentAt = new Map<string, number>()
  let seen = 0
  const measure = (id: string, into: Latency) => {
    const at = sentAt.get(id)
    if (at !== undefined) into.add(performance.now() - at)
  }
  const stops = [
    sender.room.listen({ ack: ({ id }) => measure(id, ack) }),
    reader.room.listen({
      entries: (entries) => {
        for (const { id } of entries) measure(id, screen)
        seen += entries.length
      },
    }),
  ]
  const total = WARM_UP + messages
  for (let i = 0; i < total; i += 1) {
    const id = crypto.randomUUID()
    if (i >= WARM_UP) sentAt.set(id, performance.now())
    sender.room.send(`message ${i} of a quiet conversation`, { id })
    await pause(EVERY_MS)
  }
  await until('every message is on the screen', () => seen >= total, { timeoutMs: ARRIVES_WITHIN_MS })
  for (const stop of stops) stop()
  const line = {
    target: 'flotilla',
    values: {
      messages: screen.count,
      screenP50Ms: screen.quantile(0.5),
      screenP99Ms: screen.quantile(0.99),
      ackP50Ms: ack.quantile(0.5),
      ackP99Ms: ack.quantile(0.99),
    },
    notes: [],
  }
  return { label, lines: [line] }
}
