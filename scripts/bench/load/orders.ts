// What the benchmark asks of its load process, and what comes back: one order at a time.
import type { DialectName } from './dialects.ts'

export interface Orders {
  /** Puts `members` clients into each of `rooms`; resolves when all have joined. */
  join: {
    ask: { url: string; rooms: readonly string[]; members: number; dialect?: DialectName; spread?: Spread }
    answer: Joins
  }
  /**
   * Sends at `rate` per second, from all clients in turn, for `warmUpMs` and then `windowMs`, which alone is measured.
   * `server`: the pid whose CPU and memory are read; `edges`: those of other servers of its fleet, for their CPU.
   */
  send: {
    ask: {
      rate: number
      warmUpMs: number
      windowMs: number
      textBytes: number
      server: number
      edges?: readonly number[]
      /** The rest is not sent as soon as something that was due so long ago has not arrived: enough is known. */
      giveUpMs?: number
      /** What is outstanding at the end may take so long, however far behind the server is; if not said, that decides. */
      settleMs?: number
    }
    answer: Sends
  }
  /** Sends nothing, and counts what arrives for `forMs`. */
  listen: { ask: { forMs: number }; answer: Heard }
  /** Asks `GET url` on `connections` connections, each as soon as it has its answer: for `forMs`, or `calls` times. */
  get: { ask: { url: string; connections: number; forMs?: number; calls?: number }; answer: Gets }
  /**
   * `members` clients for each room come back to it, all at once as after a lost server, each `behind` entries behind; resolves
   * when all have what they missed, or after `withinMs`.
   */
  return: {
    ask: { url: string; rooms: readonly string[]; members: number; behind: number; withinMs: number }
    answer: Returns
  }
  /** One reader in each room asks for the oldest page of its log, as soon as it has it again, for `forMs`. */
  pages: { ask: { url: string; rooms: readonly string[]; forMs: number }; answer: Pages }
  /** Closes every client. */
  leave: { ask: object; answer: object }
}

/** Where clients connect, if not all of them at one url: at that of their room, or of their place in the room. */
export interface Spread {
  urls: readonly string[]
  by: 'room' | 'member'
}

export interface Joins {
  clients: number
  tookMs: number
  /** How often a client was sent away for a while, as too many came at once. */
  putOff: number
  load: Pick<LoadHealth, 'cpu'>
}

export interface Heard {
  deliveries: number
  tookMs: number
  load: Pick<LoadHealth, 'cpu'>
}

/** Milliseconds; undefined if nothing was measured. */
export interface Quantiles {
  p50: number | undefined
  p99: number | undefined
  p999: number | undefined
}

export interface Sends {
  windowMs: number
  /** The window by the clock of `nowUs`. */
  fromUs: number
  toUs: number
  sends: number
  deliveries: number
  /** From when the send was due to its ack, and to its arrival at sampled members. */
  ackMs: Quantiles
  deliveryMs: Quantiles
  /** CPU the server used in the window; undefined where the system does not tell. */
  serverCpuMs: number | undefined
  edgesCpuMs: readonly (number | undefined)[]
  rssKib: number | undefined
  /** CPU that everything else on the machine used meanwhile: it disturbs. */
  othersCpuMs: number | undefined
  /** It was given up, or what was due a second before the end had not arrived then: nothing was waited for. */
  isOverloaded: boolean
  /** After the last send, for a while, everything outstanding is waited for; what still lacks then. */
  missingAcks: number
  missingDeliveries: number
  /** Deliveries too many, and entries out of order at sampled members. */
  surplusDeliveries: number
  outOfOrder: number
  /** `error` frames by code, and lost connections as `closed`. */
  errors: Readonly<Record<string, number>>
  load: LoadHealth
}

/** What tells whether the load process itself was the bottleneck. */
export interface LoadHealth {
  /** Part of a core it used, without what it spent on waiting awake: 0 … 1. */
  cpu: number
  /** p99 of what its event loop was late, in ms. */
  loopDelayMs: number
  /** p99 of how late a send left after it was due, in ms. */
  sendLateMs: number | undefined
}

export interface Gets {
  calls: number
  tookMs: number
  ms: Quantiles
  /** How often each `id` was answered. */
  ids: Readonly<Record<string, number>>
  /** Answers that were not 200. */
  refused: number
  load: Pick<LoadHealth, 'cpu'>
}

export interface Returns {
  clients: number
  /** Clients that have everything, and when the last of them had. */
  caughtUp: number
  tookMs: number
  /** From when all were cut off to when a client had everything. */
  ms: Quantiles
  /** Entries that those lacked. */
  entries: number
  /** How often one was given a place in time, and sent away until then. */
  putOff: number
  /** Pages of history that were asked for in between. */
  pages: number
  /** Why connections were lost, and begun anew. */
  errors: Readonly<Record<string, number>>
  load: Pick<LoadHealth, 'cpu'>
}

export interface Pages {
  pages: number
  entries: number
  refused: number
  tookMs: number
  ms: Quantiles
}

export type OrderName = keyof Orders
export type Request = { [N in OrderName]: { order: N; ask: Orders[N]['ask'] } }[OrderName]
export type Response = { ok: true; answer: unknown } | { ok: false; message: string }
