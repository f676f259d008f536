import type { Refusal } from '@flotilla/protocol/errors.ts'
import type { LeftReason, RoomView, Seq, SystemEntry, User, UserId } from '@flotilla/protocol/frames.ts'
import type { PlainRoom } from '@flotilla/protocol/link.ts'
import { whoLeaves } from '@flotilla/protocol/roster.ts'
import type { Clock } from '../clock.ts'
import type { Member } from './audience.ts'

/**
 * Who of this server's clients is let into a room, and who has to go: judged by its home. Only a room that is `plain`, public and
 * as it was made, is entered without asking. Whoever was let in by what stands in the log up to some seq is sent out by what
 * comes after it.
 */

/** Somebody may be told what is said in the room, by all that stands in its log up to `at`. */
export interface Admitted {
  ok: true
  at: Seq
  view: RoomView
}

/** First byte of an entry's type, in its encoded form: nothing but a `system` entry has an `s` there. */
const TYPE_AT = '{"type":"'.length
/** People who were sent out, as many as are remembered. */
const REMEMBERED = 1_000
const SYSTEM = 's'.charCodeAt(0)
/** A home that cannot say now is asked again this much later. */
const ASK_AGAIN_MS = 1_000

/** The entry of an encoded line, if it is one of those that happen to a room. */
export function systemEntry(line: Buffer): SystemEntry | undefined {
  if (line[TYPE_AT] !== SYSTEM) return undefined
  const entry = JSON.parse(line.toString()) as SystemEntry
  return entry.type === 'system' ? entry : undefined
}

export class Entrance {
  readonly #members: () => Iterable<Member>
  readonly #exit: (member: Member) => void
  readonly #clock: Clock
  #plain: PlainRoom | undefined
  /** The last entry that sent each out, of the latest ones; and the last of those that are not remembered. */
  readonly #left = new Map<UserId, Seq>()
  #leftBefore: Seq = 0

  /** @param exit takes a member out of the room; it is told why before */
  constructor(members: () => Iterable<Member>, exit: (member: Member) => void, clock: Clock) {
    this.#members = members
    this.#exit = exit
    this.#clock = clock
  }

  /** The home says, or is, what it takes to enter from here on. */
  becomes(plain: PlainRoom | undefined): void {
    this.#plain = plain
  }

  get isPlain(): boolean {
    return this.#plain !== undefined
  }

  /** Lets in without asking; undefined if the home has to be asked. @param head the last entry known here */
  admit({ id }: User, head: Seq): Admitted | undefined {
    if (this.#plain === undefined) return undefined
    const { view, owner } = this.#plain
    return { ok: true, at: head, view: owner === id ? { ...view, role: 'owner' } : view }
  }

  /** Whether nothing has sent him out since he was let in: between the home's answer and his entry entries may come. */
  isGood({ id }: User, { at }: Admitted): boolean {
    return (this.#left.get(id) ?? this.#leftBefore) <= at
  }

  /**
   * The log is another one, which ends at `head` and may be shorter: a seq of the one before says nothing in it, neither of who was
   * sent out nor of who was let in, and whoever is here is sent out by what comes from now on.
   */
  begins(head: Seq): void {
    this.#left.clear()
    this.#leftBefore = 0
    for (const member of this.#members()) member.admittedAt = head
  }

  /** Something happened to the room. To be told before anything that comes after it. */
  happened(entry: SystemEntry): void {
    this.#plain = undefined
    const gone = whoLeaves(entry)
    if (gone === undefined) return
    this.#left.delete(gone.id)
    this.#left.set(gone.id, entry.seq)
    if (this.#left.size > REMEMBERED) this.#forgetOldest()
    this.#sendOut((member) => member.user.id === gone.id && member.admittedAt < entry.seq, gone.reason)
  }

  #forgetOldest(): void {
    const [oldest] = this.#left
    if (oldest === undefined) return
    this.#left.delete(oldest[0])
    this.#leftBefore = Math.max(this.#leftBefore, oldest[1])
  }

  /**
   * The log is another one, and what sent people out may stand nowhere in it: the home judges everybody here anew, each until
   * it has answered. `ask`: undefined once there is nothing to ask.
   */
  askAgain(ask: (user: User) => Promise<Admitted | Refusal> | undefined): void {
    const judge = (member: Member) => {
      void ask(member.user)?.then((answer) => {
        if (answer.ok) return
        if (answer.code === 'busy') this.#clock.after(ASK_AGAIN_MS, () => judge(member))
        else this.#sendOut((other) => other === member, 'removed')
      })
    }
    for (const member of this.#members()) judge(member)
  }

  /** The room is no more. */
  erased(): void {
    this.#plain = undefined
    this.#sendOut(() => true, 'deleted')
  }

  /** What sent people out may have been missed: everybody here is judged anew. */
  review(mayEnter: (user: User) => Refusal | undefined): void {
    this.#sendOut((member) => mayEnter(member.user) !== undefined, 'removed')
  }

  #sendOut(has: (member: Member) => boolean, reason: LeftReason): void {
    for (const member of [...this.#members()].filter(has)) {
      member.sentOut(reason)
      this.#exit(member)
    }
  }
}
