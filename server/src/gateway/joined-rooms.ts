import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Room } from '../rooms/room.ts'
import type { ClientMember } from './session.ts'

/** A session in a room. */
export interface RoomMember {
  room: Room
  member: ClientMember
  typedAt: number
}

/** The rooms of one session, by their ids. Most sessions are in one: a map for it would be larger than the rest of the session. */
export class JoinedRooms {
  #firstId: RoomId | undefined
  #first: RoomMember | undefined
  #others: Map<RoomId, RoomMember> | undefined

  get size(): number {
    return (this.#first === undefined ? 0 : 1) + (this.#others?.size ?? 0)
  }

  get(id: RoomId): RoomMember | undefined {
    return id === this.#firstId ? this.#first : this.#others?.get(id)
  }

  has(id: RoomId): boolean {
    return this.get(id) !== undefined
  }

  set(id: RoomId, joined: RoomMember): void {
    if (this.#firstId === id || (this.#firstId === undefined && this.#others?.has(id) !== true)) {
      this.#firstId = id
      this.#first = joined
    } else (this.#others ??= new Map()).set(id, joined)
  }

  delete(id: RoomId): void {
    if (id === this.#firstId) {
      this.#firstId = undefined
      this.#first = undefined
    } else this.#others?.delete(id)
  }

  clear(): void {
    this.#firstId = undefined
    this.#first = undefined
    this.#others = undefined
  }

  *[Symbol.iterator](): Generator<RoomMember> {
    if (this.#first !== undefined) yield this.#first
    if (this.#others !== undefined) yield* this.#others.values()
  }
}
