import process from 'node:process'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import { until } from '../fleet/until.ts'
import type { WitnessOrders } from './witness.ts'

/** The process of the witnesses: one says something, the other hears it. */

const EVERY_MS = 20
const ROOM = 'general'

const saidAt = new Map<string, number>()
let times: number[] = []
let talking: NodeJS.Timeout | undefined
let people: ChatClient[] = []

async function start(balancer: string): Promise<null> {
  people = ['witness-one', 'witness-two'].map(
    (username) => new ChatClient({ loadbalancers: [balancer], identity: { username } }),
  )
  for (const client of people) client.start()
  const [said, heard] = people.map((client) => client.room(ROOM))
  if (said === undefined || heard === undefined) throw new Error('there are two of them')
  heard.listen({
    entries: (entries) => {
      for (const { id } of entries) {
        const at = saidAt.get(id)
        if (at === undefined) continue
        saidAt.delete(id)
        times.push(performance.now() - at)
      }
    },
  })
  await until('the witnesses are in', () => said.state.status === 'live' && heard.state.status === 'live')
  talking = setInterval(() => saidAt.set(said.send('still here').id, performance.now()), EVERY_MS)
  return null
}

function takeP99(): number | null {
  const sorted = times.sort((one, other) => one - other)
  times = []
  return sorted[Math.floor(sorted.length * 0.99)] ?? null
}

async function stop(): Promise<number> {
  clearInterval(talking)
  await until('all was heard', () => saidAt.size === 0).catch(() => {})
  for (const client of people) client.close()
  return saidAt.size
}

const carryOut: { [N in keyof WitnessOrders]: (ask: never) => Promise<WitnessOrders[N]['answer']> } = {
  start,
  p99: () => Promise.resolve(takeP99()),
  stop,
}

process.on('disconnect', () => process.exit(0))
process.on('message', ({ order, ask }: { order: keyof WitnessOrders; ask: unknown }) => {
  carryOut[order](ask as never).then(
    (answer) => process.send?.({ ok: true, answer }),
    (error: unknown) => process.send?.({ ok: false, message: String(error) }),
  )
})
