import { PlacedSchema, type Placed } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Logger } from 'pino'
import { Pool } from 'undici'
import type { ServerId } from '../bus/bus.ts'
import type { Directory } from '../rooms/directory.ts'

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

  async place(room: RoomId, unreachable?: ServerId): Promise<Placed | 'no_such_room' | 'unavailable'> {
    const body = JSON.stringify({
      room,
      server: this.#self,
      ...(unreachable === undefined ? {} : { unreachable }),
    })
    for (const pool of this.#pools) {
      try {
        const answer = await pool.request({
          path: '/internal/place',
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#secret}` },
          body,
          signal: AbortSignal.timeout(REQUEST_MS),
        })
        const json = await answer.body.json().catch(() => undefined)
        if (answer.statusCode === 200) return PlacedSchema.parse(json)
        const code = (json as { code?: unknown } | undefined)?.code
        if (answer.statusCode === 404 && code === 'no_such_room') return 'no_such_room'
        this.#log.warn({ room, status: answer.statusCode, code }, 'a room was not placed')
      } catch (cause) {
        this.#log.debug({ room, cause: (cause as Error).message }, 'a balancer did not answer')
      }
    }
    return 'unavailable'
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.destroy()))
  }
}
