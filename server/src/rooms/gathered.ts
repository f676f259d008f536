import type { User, UserId } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { MembersDifference } from './members-view.ts'

/** Changes of a room's people that are told later, as the one change they add up to. */

/** What changes that follow each other add up to: who came and went, or went and came back, did neither. */
export class PresenceSum {
  readonly #here = new Map<UserId, { user: User; isHere: boolean }>()
  #count = 0

  add({ join, leave, count }: MembersDifference): void {
    const here = this.#here
    for (const user of join) if (!here.delete(user.id)) here.set(user.id, { user, isHere: true })
    for (const user of leave) if (!here.delete(user.id)) here.set(user.id, { user, isHere: false })
    this.#count = count
    // [P3] Then it is only counts; when they are few again, everybody is named.
    if (count > LIMITS.presenceNames) here.clear()
  }

  get change(): MembersDifference {
    const join: User[] = []
    const leave: User[] = []
    for (const { user, isHere } of this.#here.values()) (isHere ? join : leave).push(user)
    return { join, leave, count: this.#count }
  }
}

/**
 * The changes of one room that all its clients here are to be told of together. Nothing is kept for each client but how many of the
 * changes were there when it came: those it knows from its `joined`.
 */
export class GatheredPresence {
  readonly #changes: MembersDifference[] = []
  readonly #sums = new Map<number, MembersDifference>()

  get length(): number {
    return this.#changes.length
  }

  push(change: MembersDifference): void {
    this.#changes.push(change)
  }

  /** What all changes but the first `known` add up to; the same object for all who ask for the same. Undefined if there are none. */
  after(known: number): MembersDifference | undefined {
    const last = this.#changes.at(-1)
    if (last === undefined || known >= this.#changes.length) return undefined
    // [P3] Then nobody is named, to anyone: it is the same for all.
    const isCounted = last.count > LIMITS.presenceNames
    const from = isCounted ? this.#changes.length - 1 : known
    let change = this.#sums.get(from)
    if (change === undefined) {
      const sum = new PresenceSum()
      for (let i = from; i < this.#changes.length; i += 1) sum.add(this.#changes[i] as MembersDifference)
      change = sum.change
      this.#sums.set(from, change)
    }
    return change
  }
}
