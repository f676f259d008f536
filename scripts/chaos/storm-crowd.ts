import { setTimeout as pause } from 'node:timers/promises'
import { LoggedInSchema } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { Agent, request } from 'undici'
import { StormClient, StormRoom, type StormPorts } from './storm-client.ts'
import type { Back, Look, Settled, StormOrders } from './storm-orders.ts'

/** Clients that are let in at a time while the crowd gathers. */
const GATHERING = 100
/** A prime, so that those who send one after the other are not neighbours. */
const STRIDE = 7_919
const MAX_BREACHES = 100
const MAX_NAMED = 20

/** The clients of one process. */
export class StormCrowd {
  readonly #clients: StormClient[] = []
  readonly #rooms = new Map<RoomId, StormRoom>()
  readonly #breaches: string[] = []
  readonly #agent = new Agent({ connections: 32, pipelining: 1 })
  #braced: StormClient[] = []
  #located = 0
  #ackMs: number[] = []
  #acked = 0
  #allAcked = 0
  #delivered = 0
  /** Over all, and since the last look. */
  #allSent = 0
  #sent = 0
  #lookedAt = performance.now()
  #talking = new AbortController()

  async place({ loadbalancer, names, at }: StormOrders['place']['ask']): Promise<void> {
    const all = at.flatMap(({ url, rooms }) => rooms.map((room) => ({ url, room })))
    let next = 0
    const placeNext = async () => {
      for (let i = next++; i < all.length; i = next++) {
        const { url, room } = all[i]!
        const name = `${names}-${i}`
        const placing = { isOver: false }
        const ports = this.#ports(loadbalancer, url, placing)
        // Half of them as the web app does: a token costs the server that lets them in a signature to verify.
        const token = i % 2 === 0 ? {} : { token: await this.#login(loadbalancer, name) }
        const client = new StormClient(name, this.#roomOf(room), { ...ports, ...token })
        this.#clients[i] = client
        await isLive(client)
        placing.isOver = true
      }
    }
    await Promise.all(Array.from({ length: GATHERING }, placeNext))
  }

  #roomOf(id: RoomId): StormRoom {
    let room = this.#rooms.get(id)
    if (room === undefined) {
      room = new StormRoom(id, (what) => this.#breach(what))
      this.#rooms.set(id, room)
    }
    return room
  }

  /** @returns a token, good for longer than any storm */
  async #login(loadbalancer: string, username: string): Promise<string> {
    const { statusCode, body } = await request(`${loadbalancer}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username }),
      dispatcher: this.#agent,
    })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`no token for ${username}: ${statusCode} ${text}`)
    return LoggedInSchema.parse(JSON.parse(text)).token
  }

  /** Until a client has its place it is sent to `url`, whenever it asks where to connect; after that it is the balancer's word. */
  #ports(loadbalancer: string, url: string, placing: Readonly<{ isOver: boolean }>): StormPorts {
    return {
      loadbalancer,
      fetch: (async (address: string, { signal }: { signal?: AbortSignal } = {}) => {
        if (!placing.isOver) return Response.json({ url, alternatives: [] })
        this.#located += 1
        const { statusCode, headers, body } = await request(address, {
          dispatcher: this.#agent,
          ...(signal === undefined ? {} : { signal }),
        })
        const text = await body.text()
        const after = headers['retry-after']
        return new Response(text, {
          status: statusCode,
          ...(typeof after === 'string' ? { headers: { 'retry-after': after } } : {}),
        })
      }) as typeof fetch,
      delivered: (entries) => (this.#delivered += entries),
      acked: (ms) => {
        this.#acked += 1
        this.#ackMs.push(ms)
      },
      breach: (what) => this.#breach(what),
    }
  }

  #breach(what: string): void {
    if (this.#breaches.length < MAX_BREACHES) this.#breaches.push(what)
  }

  /** Sends until told otherwise; the n-th message is that of another room than the one before, and of another client. */
  talk({ rate }: StormOrders['talk']['ask']): void {
    this.#talking.abort()
    this.#talking = new AbortController()
    const { signal } = this.#talking
    if (rate <= 0) return
    const begun = performance.now()
    let due = 0
    const timer = setInterval(() => {
      if (signal.aborted) return clearInterval(timer)
      // What is late is made up for: the offered load is the same whatever happens.
      for (const until = ((performance.now() - begun) * rate) / 1_000; due < until; due += 1) {
        this.#clients[(this.#allSent * STRIDE) % this.#clients.length]?.send(`message ${this.#allSent}`)
        this.#allSent += 1
        this.#sent += 1
      }
    }, 5)
  }

  look(): Look {
    const now = performance.now()
    const look = {
      ms: now - this.#lookedAt,
      sent: this.#sent,
      acked: this.#acked,
      delivered: this.#delivered,
      ackMs: this.#ackMs,
      away: this.#clients.filter((client) => !client.isLive).length,
    }
    this.#allAcked += this.#acked
    this.#lookedAt = now
    this.#sent = 0
    this.#acked = 0
    this.#delivered = 0
    this.#ackMs = []
    return look
  }

  brace({ url }: StormOrders['brace']['ask']): StormOrders['brace']['answer'] {
    this.#braced = this.#clients.filter((client) => client.url === url)
    this.#located = 0
    for (const client of this.#braced) client.brace()
    return {
      clients: this.#braced.length,
      withTokens: this.#braced.filter(({ hasToken }) => hasToken).length,
    }
  }

  async back({ killedAt, atMostMs }: StormOrders['back']['ask']): Promise<Back> {
    const isLate = AbortSignal.timeout(atMostMs)
    const cpuBefore = process.cpuUsage()
    while (this.#braced.some(({ backAt }) => backAt === undefined) && !isLate.aborted) await pause(20)
    const { user, system } = process.cpuUsage(cpuBefore)
    const missing = this.#braced.filter(({ backAt }) => backAt === undefined)
    return {
      backMs: this.#braced.flatMap(({ backAt }) => (backAt === undefined ? [] : [backAt - killedAt])),
      notBack: missing.slice(0, MAX_NAMED).map(({ standing }) => standing),
      missing: missing.length,
      on: countBy(this.#braced.flatMap(({ url }) => url ?? [])),
      located: this.#located,
      cpuSeconds: (user + system) / 1e6,
    }
  }

  heads(): Record<RoomId, number> {
    return Object.fromEntries([...this.#rooms].map(([id, { head }]) => [id, head]))
  }

  /** `heads`: the last seq anybody anywhere has, by room. */
  async settle({ heads, atMostMs }: StormOrders['settle']['ask']): Promise<Settled> {
    const isLate = AbortSignal.timeout(atMostMs)
    const restless = () =>
      this.#clients.filter(({ at, room, unacked }) => unacked > 0 || at < (heads[room.id] ?? 0))
    while (restless().length > 0 && !isLate.aborted) await pause(50)
    const late = restless().map(({ standing, unacked }) => `L ${standing}, ${unacked} unacked`)
    const lost = [...this.#rooms.values()].flatMap((room) => [...room.lost()])
    this.look()
    return {
      heads: this.heads(),
      acked: this.#allAcked,
      breaches: [...this.#breaches, ...lost, ...late].slice(0, MAX_BREACHES),
    }
  }

  leave(): void {
    this.#talking.abort()
    for (const { client } of this.#clients) client.close()
    void this.#agent.destroy()
  }
}

function countBy(urls: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const url of urls) counts[url] = (counts[url] ?? 0) + 1
  return counts
}

function isLive(client: StormClient): Promise<void> {
  return new Promise((resolve) => {
    const stop = client.room.listen({
      change: () => {
        if (!client.isLive) return
        stop()
        resolve()
      },
    })
    client.client.start()
  })
}
