import assert from 'node:assert/strict'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { LogId, RoomId, Seq } from '@flotilla/protocol/frames.ts'
import type { FleetProcess, LocalFleet } from './harness.ts'

/** The balancer's calls about rooms, as one guest makes them; and what stands in a server's file, as any SQLite tool reads it. */
export class RoomsApi {
  readonly #url: string
  readonly #token: string

  private constructor(url: string, token: string) {
    this.#url = url
    this.#token = token
  }

  static async open({ loadbalancer }: LocalFleet): Promise<RoomsApi> {
    const response = await fetch(`${loadbalancer.url}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'asker' }),
    })
    const { token } = (await response.json()) as { token: string }
    return new RoomsApi(loadbalancer.url, token)
  }

  async make(name: string): Promise<RoomId> {
    const { status, body } = await this.#call('POST', '/api/rooms', { name, visibility: 'public' })
    assert.equal(status, 201, JSON.stringify(body))
    return body['roomId'] as RoomId
  }

  /** Where the room is for whoever asks for it: that places it, if it has no home that is there. */
  async homeOf(room: RoomId): Promise<string> {
    const { status, body } = await this.#call('POST', `/api/rooms/${room}`)
    assert.equal(status, 200, JSON.stringify(body))
    return body['home'] as string
  }

  /** What the directory has on file; asking moves nothing. */
  async recordedHomeOf(room: RoomId): Promise<string | undefined> {
    const { body } = await this.#call('GET', `/api/rooms/${room}`)
    return body['home'] as string | undefined
  }

  async #call(method: string, path: string, sent?: object) {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
}

export interface StoredRoom {
  log: LogId
  epoch: number
  movedTo: string | null
  entries: { seq: Seq; id: string; text: string }[]
}

/** A room in the file of a server, running or not; undefined: nothing of it. */
export function storedRoom({ dataDir }: FleetProcess, room: RoomId): StoredRoom | undefined {
  const db = new Database(join(dataDir, 'chat.db'))
  try {
    const read = db.transaction((): StoredRoom | undefined => {
      const row = db
        .prepare('SELECT key, log, epoch, moved_to AS movedTo FROM rooms WHERE room = ?')
        .get(room)
      if (row === undefined) return undefined
      const { key, ...rest } = row as { key: number; log: LogId; epoch: number; movedTo: string | null }
      const entries = db
        .prepare('SELECT seq, send_id AS id, message AS text FROM messages WHERE room_key = ? ORDER BY seq')
        .all(key) as StoredRoom['entries']
      return { ...rest, entries }
    })
    return read()
  } finally {
    db.close()
  }
}
