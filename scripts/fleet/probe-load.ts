// Clients that write and read in a room of their own while something is done to the fleet, and remember everything.
import { ChatClient, type ChatRoom } from '@flotilla/protocol/client/client.ts'
import type { Entry } from '@flotilla/protocol/frames.ts'
import { BalancerApi } from '../replay/balancer-api.ts'
import type { Journal, Seen, Sent } from './proof.ts'
import { until } from './until.ts'

const ROOM = 'Rolling restarts'
/** Below what a server lets one sender send. */
const SEND_EVERY_MS = 600
/** All of them together, however many there are. */
const MOST_SENDS_PER_S = 20
const JOIN_MS = 60_000
/** A client that does not get through for so long will not: there is no fleet any more. */
const ROUND_MS = 120_000
/** Longest wait for the last acks and entries. */
const SETTLE_MS = 60_000
const PAGE = 200

interface Member {
  name: string
  client: ChatClient
  room: ChatRoom
  seen: Seen[]
}

export class ProbeLoad {
  readonly #loadbalancer: string
  readonly #roomId: string
  readonly #run = Math.random().toString(36).slice(2, 8)
  readonly #members: Member[] = []
  readonly #sent: Sent[] = []
  readonly #byId = new Map<string, Sent>()
  readonly #mishaps: string[] = []
  #timers: NodeJS.Timeout[] = []

  private constructor(loadbalancer: string, roomId: string) {
    this.#loadbalancer = loadbalancer
    this.#roomId = roomId
  }

  /** Resolves when all are in the room and write. @throws if guests are not let in, or a client finds no server */
  static async start(loadbalancer: string, clients: number): Promise<ProbeLoad> {
    const api = await BalancerApi.enter(loadbalancer, 'roll')
    const load = new ProbeLoad(loadbalancer, await api.roomNamed(ROOM))
    try {
      for (let i = 1; i <= clients; i += 1) load.#members.push(load.#enter(`roll-${load.#run}-${i}`))
      await load.#allLive()
    } catch (error) {
      load.close()
      throw error
    }
    const everyMs = Math.max(SEND_EVERY_MS, (clients / MOST_SENDS_PER_S) * 1_000)
    load.#members.forEach((member, i) => {
      const begin = () => {
        load.#say(member)
        load.#timers.push(setInterval(() => load.#say(member), everyMs))
      }
      load.#timers.push(setTimeout(begin, (i * everyMs) / clients))
    })
    return load
  }

  get journal(): Pick<Journal, 'sent' | 'seen'> {
    return { sent: this.#sent, seen: new Map(this.#members.map(({ name, seen }) => [name, seen])) }
  }

  /** Resolves when each client has written something since now that was acked and shown to all. @throws if that takes too long */
  async round(): Promise<void> {
    const begunAt = performance.now()
    const isAnswered = ({ at, seq }: Sent) => at >= begunAt && seq !== undefined
    const heads = await until(
      'every client gets through',
      () => {
        const heads = this.#members.map(
          ({ name }) => this.#sent.find((one) => one.by === name && isAnswered(one))?.seq,
        )
        return heads.every((seq) => seq !== undefined) ? heads : undefined
      },
      { timeoutMs: ROUND_MS },
    )
    await this.#allSeen(Math.max(...heads))
  }

  async #allSeen(head: number): Promise<void> {
    await until(
      'everybody has seen it',
      () => this.#members.every(({ seen }) => (seen.at(-1)?.seq ?? 0) >= head),
      { timeoutMs: SETTLE_MS },
    )
  }

  /** Ends the writing; resolves with everything, when the last send is acked and shown to all, or will not be any more. */
  async end(): Promise<Journal> {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers = []
    try {
      await until('every send is acked', () => this.#sent.every(({ seq }) => seq !== undefined), {
        timeoutMs: SETTLE_MS,
      })
      await this.#allSeen(Math.max(0, ...this.#sent.map(({ seq = 0 }) => seq)))
    } catch (error) {
      this.#mishaps.push((error as Error).message)
    }
    return { ...this.journal, log: await this.#readLog(), mishaps: this.#mishaps }
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    for (const { client } of this.#members) client.close()
  }

  async #allLive(): Promise<void> {
    const isLive = ({ room }: Member) => room.state.status === 'live'
    await until('the clients are in their room', () => this.#members.every(isLive), { timeoutMs: JOIN_MS })
  }

  #enter(name: string): Member {
    const client = new ChatClient({ loadbalancers: [this.#loadbalancer], identity: { username: name } })
    const room = client.room(this.#roomId)
    const member: Member = { name, client, room, seen: [] }
    room.listen({
      entries: (entries) => {
        const at = performance.now()
        for (const { seq, id } of entries) member.seen.push({ seq, id, at })
      },
      reset: () => this.#mishaps.push(`${name}: reset`),
      ack: ({ id, seq }) => {
        const sent = this.#byId.get(id)
        if (sent !== undefined) Object.assign(sent, { ackedAt: performance.now(), seq })
      },
      refused: ({ code }) => this.#mishaps.push(`${name}: ${code}`),
    })
    client.start()
    return member
  }

  #say({ name, room }: Member): void {
    const at = performance.now()
    const { id } = room.send(`${name} says ${this.#sent.length + 1}`)
    const sent: Sent = { id, by: name, at }
    this.#sent.push(sent)
    this.#byId.set(id, sent)
  }

  /** As somebody reads it who was not there, back to the first entry one of the members saw. */
  async #readLog(): Promise<Seen[]> {
    const first = Math.min(...this.#members.flatMap(({ seen }) => seen[0]?.seq ?? []))
    const reader = this.#enter(`roll-${this.#run}-reader`)
    try {
      await until('the reader is in the room', () => reader.room.state.status === 'live', {
        timeoutMs: JOIN_MS,
      })
      const log: Entry[] = []
      let before = reader.room.state.head + 1
      while (before > first) {
        const { entries, done } = await reader.room.history(before, PAGE)
        log.unshift(...entries)
        before = entries[0]?.seq ?? 0
        if (done) break
      }
      return log.filter(({ seq }) => seq >= first).map(({ seq, id }) => ({ seq, id, at: 0 }))
    } finally {
      reader.client.close()
    }
  }
}
