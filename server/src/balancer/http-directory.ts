import { PlacedSchema, type HeldRoom, type Placed } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Logger } from 'pino'
import { Pool } from 'undici'
import type { ServerId } from '../bus/bus.ts'
import type { Directory, PlaceWhy } from '../rooms/directory.ts'

/** The directory of rooms, asked of the balancers in turn: the first that answers counts. */

const REQUEST_MS = 3_000

export class HttpDirectory implements Directory {
  readonly #self: ServerId
  readonly #secret: string
  readonly #pools: Pool[]
  readonly #log: Logger

  constructor(options: { self: ServerId; loadbalancers: readonly string[]; secret: string; log: Logger }) {
    this.#self = options.self
    this.#secret = options.secret
    this.#log = options.log
    this.#pools = options.loadbalancers.map((url) => new Pool(url, { connections: 8 }))
  }

  async place(room: RoomId, why: PlaceWhy = {}): Promise<Placed | 'no_such_room' | 'unavailable'> {
    const body = JSON.stringify({ room, server: this.#self, ...why })
    for (const pool of this.#pools) {
      try {
        const { statusCode, json } = await this.#post(pool, '/internal/place', body)
        if (statusCode === 200) return PlacedSchema.parse(json)
        const code = (json as { code?: unknown } | undefined)?.code
        if (statusCode === 404 && code === 'no_such_room') return 'no_such_room'
        this.#log.warn({ room, status: statusCode, code }, 'a room was not placed')
      } catch (cause) {
        this.#log.debug({ room, cause: (cause as Error).message }, 'a balancer did not answer')
      }
    }
    return 'unavailable'
  }

  taken(room: HeldRoom): void {
    const body = JSON.stringify({ server: this.#self, rooms: [room] })
    for (const pool of this.#pools) {
      this.#post(pool, '/internal/taken', body).catch((cause: unknown) => {
        this.#log.debug({ ...room, cause: (cause as Error).message }, 'a balancer was not told')
      })
    }
  }

  async #post(pool: Pool, path: string, body: string): Promise<{ statusCode: number; json: unknown }> {
    // One that is left to run out keeps all of the request till then: with thousands of rooms that open, that is much.
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new Error(`no answer in ${REQUEST_MS} ms`)), REQUEST_MS)
    try {
      const { statusCode, body: answer } = await pool.request({
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#secret}` },
        body,
        signal: late.signal,
      })
      return { statusCode, json: await answer.json().catch(() => undefined) }
    } finally {
      clearTimeout(timer)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.destroy()))
  }
}
