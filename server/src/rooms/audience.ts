import type { LeftReason, RoomId, Seq, User } from '@flotilla/protocol/frames.ts'
import type { FeedFollower } from './feed.ts'
import type { GatheredPresence } from './gathered.ts'
import type { MembersDifference } from './members-view.ts'

/** The clients of one room at one server, and what they are told that is not in the log: encoded once for all of them. */

/** A client in a room: a follower of its entries that also hears what is not in the log. */
export interface Member extends FeedFollower {
  readonly user: User
  /** He was let in by all that stands in the log up to this seq. */
  admittedAt: Seq
  /** How many of the changes that wait to be told it knows already. */
  presenceKnown: number
  /** `line` = the frame that tells `change`. */
  presence(change: MembersDifference, line: string): void
  typing(line: string): void
  /** He has to go; nothing more of the room is written to him. */
  sentOut(reason: LeftReason): void
}

export class Audience {
  readonly #room: RoomId
  readonly #members = new Set<Member>()

  constructor(room: RoomId) {
    this.#room = room
  }

  get size(): number {
    return this.#members.size
  }

  [Symbol.iterator](): Iterator<Member> {
    return this.#members.values()
  }

  /** `known`: as many of the changes that wait to be told are in its `joined`. */
  add(member: Member, known: number): void {
    member.presenceKnown = known
    this.#members.add(member)
  }

  /** @returns whether it was here */
  remove(member: Member): boolean {
    return this.#members.delete(member)
  }

  announce(change: MembersDifference): void {
    if (this.#members.size === 0) return
    const line = this.#presenceLine(change)
    for (const member of this.#members) member.presence(change, line)
  }

  /** What waited to be told; nothing waits after that. */
  release(changes: GatheredPresence): void {
    const lines = new Map<MembersDifference, string>()
    for (const member of this.#members) {
      const change = changes.after(member.presenceKnown)
      member.presenceKnown = 0
      if (change === undefined) continue
      let line = lines.get(change)
      if (line === undefined) lines.set(change, (line = this.#presenceLine(change)))
      member.presence(change, line)
    }
  }

  /** Tells everybody but `user` himself. */
  typing({ id, name }: User): void {
    const line = JSON.stringify({ type: 'typing', room: this.#room, user: { id, name } })
    for (const member of this.#members) if (member.user.id !== id) member.typing(line)
  }

  #presenceLine({ join, leave, count }: MembersDifference): string {
    return JSON.stringify({ type: 'presence', room: this.#room, join, leave, count })
  }
}
