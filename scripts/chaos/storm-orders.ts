// What a storm asks of the processes its clients live in, and what comes back: one order at a time.

export interface StormOrders {
  /** Connects a client to `url` in each of `rooms`, in this order; resolves when every one of them follows its room. */
  place: { ask: { loadbalancer: string; names: string; at: readonly Placing[] }; answer: object }
  /** Sends so many messages a second from now on, one client of each room in turn; 0 = no more. */
  talk: { ask: { rate: number }; answer: object }
  /** What happened since the last time this was asked. */
  look: { ask: object; answer: Look }
  /** The server at `url` is about to die: its clients are those waited for. */
  brace: { ask: { url: string }; answer: { clients: number; withTokens: number } }
  /** Resolves when all of these are back with everything they missed, or after `atMostMs`. */
  back: { ask: { killedAt: number; atMostMs: number }; answer: Back }
  /** The last seq anybody here has, by room. */
  heads: { ask: object; answer: Readonly<Record<string, number>> }
  /** Waits until every send is acked, and everybody has what anybody has of its room. */
  settle: { ask: { heads: Readonly<Record<string, number>>; atMostMs: number }; answer: Settled }
}

export interface Placing {
  url: string
  rooms: readonly string[]
}

export interface Look {
  ms: number
  sent: number
  acked: number
  delivered: number
  ackMs: readonly number[]
  /** Clients without a connection at this moment. */
  away: number
}

export interface Back {
  /** Of each client that is back: how long after `killedAt`. */
  backMs: readonly number[]
  /** Of some of those that are not: where they are. */
  notBack: readonly string[]
  missing: number
  /** How many are back, by the URL of the server they are on. */
  on: Readonly<Record<string, number>>
  /** Times the balancer was asked where to connect. */
  located: number
  /** CPU this process used meanwhile. */
  cpuSeconds: number
}

export interface Settled {
  /** The last seq anybody here has, by room. */
  heads: Readonly<Record<string, number>>
  acked: number
  /** What must not be: an entry missing, doubled, out of order, of another body, an ack without an entry. */
  breaches: readonly string[]
}

export type StormOrder = keyof StormOrders
export type StormRequest = { [N in StormOrder]: { order: N; ask: StormOrders[N]['ask'] } }[StormOrder]
export type StormResponse = { ok: true; answer: unknown } | { ok: false; message: string }
