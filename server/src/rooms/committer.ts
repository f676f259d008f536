import type { Clock } from '../clock.ts'
import { CommitPace } from './commit-pace.ts'
import type { Batch, Committed, Draft, Epoch, Outcome, Store } from '../store/store.ts'
import { StoreFull } from '../store/store.ts'
import type { Refusal } from '@flotilla/protocol/errors.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'

/**
 * Group commit: everything that came in while the last commit ran goes into the next one, of all rooms together, with
 * one fsync. One commit at a time, so that the order of a room is the order of acceptance.
 */

/** A room that hands in drafts and learns what became of them. */
export interface Committing {
  readonly room: RoomId
  readonly epoch: Epoch
  /** How long the room's followers will not be written to, whatever is committed; in ms. */
  readonly restMs: number
  /** The commit of these drafts is durable; outcomes in their order. */
  committed(drafts: readonly Accepted[], outcomes: readonly Outcome[]): void
  /** A higher epoch stands in the store: nothing of these was stored, and nothing of this room will be. */
  fenced(drafts: readonly Accepted[]): void
  /** Nothing was stored; the same may succeed later. */
  refused(drafts: readonly Accepted[], cause: 'full' | 'lost'): void
}

export interface Accepted {
  draft: Draft
  answer: (outcome: SendOutcome) => void
  /** What it is told if it is not there already (`onlyIfThere`). */
  refusal?: Refusal
}

/** What a sender is told: acked with its place, or refused. */
export type SendOutcome = { ok: true; seq: number; ts: number } | Refusal

export interface CommitCounters {
  commits: number
  commitNo: number
  /** Drafts waiting for the next commit, all rooms. */
  waiting: number
  /** Begins to time a commit; the answer ends it. */
  begin(): (commit: { drafts: number; rooms: number }) => void
}

const MAX_WAITING = 20_000

export class Committer {
  readonly #store: Store
  readonly #clock: Clock
  readonly #counters: CommitCounters
  readonly #onLost: (cause: unknown) => void
  readonly #pace = new CommitPace()
  #open = new Map<Committing, Accepted[]>()
  #running = false
  #idle: (() => void)[] = []

  constructor(options: {
    store: Store
    clock: Clock
    counters: CommitCounters
    /** The store is lost: nothing can be acked any more, the process has to go. */
    onLost: (cause: unknown) => void
  }) {
    this.#store = options.store
    this.#clock = options.clock
    this.#counters = options.counters
    this.#onLost = options.onLost
  }

  /** @returns false if too much is waiting: refuse `busy` */
  add(home: Committing, accepted: Accepted): boolean {
    if (this.#counters.waiting >= MAX_WAITING) return false
    this.#counters.waiting += 1
    const drafts = this.#open.get(home)
    if (drafts === undefined) this.#open.set(home, [accepted])
    else drafts.push(accepted)
    if (!this.#running) {
      this.#running = true
      // Not at once: everything this turn has yet to read shares the first commit.
      this.#clock.soon(() => void this.#commitAll())
    }
    return true
  }

  /**
   * What waits of a room whose home is closed is not committed any more: it could still be taken in that term, and whoever is the
   * room's home next, be it here and in the same term, has read the log already and would not know of it. What is being
   * committed stands before that.
   */
  withdraw(home: Committing): void {
    const drafts = this.#open.get(home)
    if (drafts === undefined) return
    this.#open.delete(home)
    this.#counters.waiting -= drafts.length
    home.fenced(drafts)
  }

  /** Resolves when everything accepted so far is committed or refused. */
  async settle(): Promise<void> {
    if (!this.#running) return
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** How long nobody in any of the rooms would see anything of a commit. */
  #restMs(): number {
    let least = Infinity
    for (const { restMs } of this.#open.keys()) {
      if (restMs === 0) return 0
      least = Math.min(least, restMs)
    }
    return least
  }

  async #commitAll(): Promise<void> {
    while (this.#open.size > 0) {
      const waitMs = this.#pace.waitMs(this.#clock.now(), this.#restMs())
      if (waitMs >= 1) await new Promise<void>((resolve) => this.#clock.after(waitMs, resolve))
      if (this.#open.size === 0) break // withdrawn meanwhile
      const open = [...this.#open]
      this.#open = new Map()
      const batch: Batch = open.map(([home, drafts]) => ({
        room: home.room,
        epoch: home.epoch,
        drafts: drafts.map(({ draft }) => draft),
      }))
      const count = open.reduce((sum, [, drafts]) => sum + drafts.length, 0)
      this.#pace.begins(this.#clock.now(), count)
      const ended = this.#counters.begin()
      let committed: Committed
      try {
        committed = await this.#store.append(batch)
      } catch (cause) {
        this.#counters.waiting -= count
        const full = cause instanceof StoreFull
        for (const [home, drafts] of open) home.refused(drafts, full ? 'full' : 'lost')
        if (!full) {
          this.#onLost(cause)
          break
        }
        continue
      }
      this.#counters.waiting -= count
      this.#counters.commits += 1
      this.#counters.commitNo = committed.commitNo
      ended({ drafts: count, rooms: open.length })
      for (const [i, [home, drafts]] of open.entries()) {
        const outcomes = committed.rooms[i]
        if (outcomes === undefined || outcomes === 'fenced') home.fenced(drafts)
        else home.committed(drafts, outcomes)
      }
    }
    this.#running = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}
