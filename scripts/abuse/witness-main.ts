import process from 'node:process'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import { until } from '../fleet/until.ts'
import type { WitnessOrders } from './witness.ts'

/** The process of the witnesses: many say something now and then, within their limits, and one hears it. */

const TALKERS = 24
/** Each of them, below the 20 messages in 10 s that he may send. */
const EVERY_MS = 600
const ROOM = 'general'
const PATIENCE_MS = 110_000
/** Of fewer a p99 says nothing. */
const FEWEST = 100

const saidAt = new Map<string, number>()
let times: number[] = []
let talking: NodeJS.Timeout | undefined
let people: ChatClient[] = []

async function start(balancer: string): Promise<null> {
  people = Array.from(
    { length: TALKERS + 1 },
    (_, at) => new ChatClient({ loadbalancers: [balancer], identity: { username: `witness ${at}` } }),
  )
  for (const client of people) client.start()
  const [heard, ...said] = people.map((client) => client.room(ROOM))
  if (heard === undefined) throw new Error('there are many of them')
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
  const isIn = () => [heard, ...said].every(({ state }) => state.status === 'live')
  await until('the witnesses are in', isIn, { timeoutMs: PATIENCE_MS })
  let turn = 0
  talking = setInterval(() => {
    const who = said[(turn += 1) % said.length]
    if (who !== undefined) saidAt.set(who.send('still here').id, performance.now())
  }, EVERY_MS / TALKERS)
  return null
}

function takeP99(): number | null {
  const sorted = times.sort((one, other) => one - other)
  times = []
  return sorted.length < FEWEST ? null : (sorted[Math.floor(sorted.length * 0.99)] ?? null)
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
