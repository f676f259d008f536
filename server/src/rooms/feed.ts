import type { LogId, Seq } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Cancel, Clock } from '../clock.ts'
import { FlushPace } from './flush-pace.ts'
import { recentPage, type Side } from './page.ts'
import type { Pressure } from './pressure.ts'
import { pump, type Follower } from './pump.ts'
import type { Page } from './relay.ts'
import { cutSlices, Ring, seqOf, type RingLimits, type Slice } from './ring.ts'

/**
 * What the followers of a room on this server read: the ring, and the log behind it. Live delivery, resume, a slow
 * client and a room that moved are all the same here: a follower whose cursor is not the head.
 */

/** A follower that can be told that everything it has is void. */
export interface FeedFollower extends Follower {
  reset(log: LogId): void
}

/** Reads up to `limit` encoded entries after `seq` from the log: the store at the home, the home at an edge. */
export type LogReader = (seq: Seq, limit: number) => Promise<Buffer[]>

export interface FeedCounters {
  /** Entries handed to followers: one per entry and follower. */
  deliveries: number
  /** Writes they took. */
  writes: number
  /** Followers that had to go on from the log. */
  catchUps: number
  catchUpFailures: number
}

export interface CursorLag {
  most: number
  behind: number
}

const CATCH_UP_ENTRIES = 200
const CATCH_UP_RETRY_MS = 250
/** The ring is filled with so many entries at a time at least. */
const LEAST_FILLED = 64
/** Followers written to in one turn of the event loop: 5 to 10 ms of it. Then others have theirs. */
const FLUSHED_AT_ONCE = 1_024
const RING_ENTRIES_PER_FOLLOWER = 4
const MOST_RING_ENTRIES = 8_192

export class Feed {
  readonly #clock: Clock
  readonly #counters: FeedCounters
  readonly #highWaterBytes: number
  readonly #ringLimits: Partial<RingLimits>
  readonly #followers = new Set<FeedFollower>()
  readonly #catchingUp = new Set<FeedFollower>()
  #ring: Ring
  #log: LogId
  #read: LogReader
  readonly #pace = new FlushPace()
  readonly #pressure: Pressure | undefined
  #flushedHead: Seq
  #flushAt = 0
  #flushLater: Cancel | undefined
  /** While a flush goes on, `again` if another was asked for. */
  #flushing: 'no' | 'yes' | 'again' = 'no'
  #audience = 0
  #filling: Promise<void> | undefined
  /** The lowest seq there is; what was before it is forgotten. */
  #floor: Seq = 1
  /** Readings of the log that are under way, by the cursor they begin at. */
  #readings = new Map<Seq, Promise<Slice[]>>()

  constructor(options: {
    clock: Clock
    counters: FeedCounters
    log: LogId
    head: Seq
    read: LogReader
    ring?: Partial<RingLimits>
    /** A follower with so much unsent is not written to. */
    highWaterBytes?: number
    pressure?: Pressure | undefined
  }) {
    this.#clock = options.clock
    this.#counters = options.counters
    this.#ringLimits = options.ring ?? {}
    this.#highWaterBytes = options.highWaterBytes ?? LIMITS.highWaterBytes
    this.#pressure = options.pressure
    this.#log = options.log
    this.#read = options.read
    this.#ring = this.#newRing(options.head)
    this.#flushedHead = options.head
  }

  get log(): LogId {
    return this.#log
  }
  get head(): Seq {
    return this.#ring.head
  }
  /** The last entry that went out to whoever could take it. */
  get flushedHead(): Seq {
    return this.#flushedHead
  }
  get size(): number {
    return this.#followers.size
  }

  /** How far the follower that is furthest behind the head is behind it, in entries; and how many are behind at all. */
  get lag(): CursorLag {
    const { head } = this.#ring
    const lag = { most: 0, behind: 0 }
    for (const { cursor } of this.#followers) {
      if (cursor >= head) continue
      lag.behind += 1
      lag.most = Math.max(lag.most, head - cursor)
    }
    return lag
  }

  /** A page of the log, if the ring holds it. @param isHome as for `recentPage` */
  recent(side: Side, limit: number, isHome: boolean): Page | undefined {
    return recentPage(this.#ring, side, limit, isHome)
  }

  /** From now on the log behind the ring is read there: the room has another home. */
  readFrom(read: LogReader): void {
    this.#read = read
  }

  follow(follower: FeedFollower): void {
    this.#followers.add(follower)
    this.#ring.widen(this.#ringEntries)
    this.pumpOne(follower)
  }

  unfollow(follower: FeedFollower): void {
    this.#followers.delete(follower)
  }

  #newRing(head: Seq): Ring {
    const ring = new Ring(head, this.#ringLimits)
    ring.widen(this.#ringEntries)
    return ring
  }

  /** In a large room many would fall out of the ring at once if it held less than what comes in a second, and read the log. */
  get #ringEntries(): number {
    return Math.min(MOST_RING_ENTRIES, this.#followers.size * RING_ENTRIES_PER_FOLLOWER)
  }

  /** Appends entries head + 1 …; they go out with the next flush. */
  push(lines: readonly Buffer[]): void {
    for (const line of lines) this.#ring.push(line)
  }

  get floor(): Seq {
    return this.#floor
  }

  /** Nothing below is told any more. @returns 'missed some' of it if it was never here */
  raiseFloor(floor: Seq): 'missed some' | undefined {
    if (floor <= this.#floor) return undefined
    this.#floor = floor
    if (floor > this.#ring.head + 1) {
      this.skipTo(floor - 1)
      return 'missed some'
    }
    this.forget()
    return undefined
  }

  /** What stands in the log is not as it was here: from now on it is read from there. */
  forget(): void {
    this.#ring = this.#newRing(this.#ring.head)
    this.#readings = new Map()
  }

  /** The log goes on behind `head`, and what lies between is in it: the ring begins there. */
  skipTo(head: Seq): void {
    if (head <= this.#ring.head) return
    this.#ring = this.#newRing(head)
    this.#flushedHead = head
    this.flush()
  }

  /** Everything known is void: another log, whose entries up to `head` are elsewhere. Tells every follower. */
  reset(log: LogId, head: Seq): void {
    this.#log = log
    this.#floor = 1
    this.#ring = this.#newRing(head)
    this.#flushedHead = head
    this.#readings = new Map()
    for (const follower of this.#followers) {
      follower.cursor = Math.max(0, head - LIMITS.joinEntries)
      follower.reset(log)
    }
    this.flush()
  }

  /**
   * Writes what is new to every follower: now, or when the room's pace says so.
   * @param audience people in the room on all servers, where that is known
   * @param areGathered the entries waited for each other at the home
   */
  flush({ audience = 0, areGathered = false }: { audience?: number; areGathered?: boolean } = {}): void {
    this.#audience = audience
    if (this.#flushing !== 'no') {
      this.#flushing = 'again'
      return
    }
    const now = this.#clock.now()
    const entries = this.#ring.head - this.#flushedHead
    const members = Math.max(this.#followers.size, audience)
    const dueAt = this.#pace.due(now, entries, members, areGathered, this.#pressure?.gatherMs)
    const isLater = dueAt - now >= 1
    if (isLater && this.#flushLater !== undefined && this.#flushAt <= dueAt) return
    this.#flushLater?.()
    this.#flushLater = undefined
    if (!isLater) return this.#flushNow()
    this.#flushAt = dueAt
    this.#flushLater = this.#clock.after(Math.ceil(dueAt - now), () => {
      this.#flushLater = undefined
      this.#flushNow()
    })
  }

  /** How long what is pushed now is held back with what waits already, in ms. */
  get restMs(): number {
    return this.#flushLater === undefined ? 0 : Math.max(0, this.#flushAt - this.#clock.now())
  }

  #flushNow(): void {
    const startedAt = this.#clock.now()
    const entries = this.#ring.head - this.#flushedHead
    this.#flushedHead = this.#ring.head
    this.#flushing = 'yes'
    this.#flushOn(this.#followers.values(), () => {
      const isAskedAgain = this.#flushing === 'again'
      this.#flushing = 'no'
      this.#pace.flushed(startedAt, this.#clock.now(), entries)
      if (isAskedAgain) this.flush({ audience: this.#audience })
    })
  }

  /** Who comes or goes meanwhile is met, or not, as a set has it. */
  #flushOn(followers: SetIterator<FeedFollower>, done: () => void): void {
    let left = FLUSHED_AT_ONCE
    try {
      for (const follower of followers) {
        this.pumpOne(follower)
        left -= 1
        if (left === 0) break
      }
    } finally {
      if (left === 0) this.#clock.soon(() => this.#flushOn(followers, done))
      else done()
    }
  }

  /** Brings one follower as far as it can take it: after a join, when its socket drained, at each flush. */
  pumpOne(follower: FeedFollower): void {
    if (this.#catchingUp.size > 0 && this.#catchingUp.has(follower)) return
    const before = follower.cursor
    const end = pump(follower, this.#ring, this.#highWaterBytes)
    if (follower.cursor > before) {
      this.#counters.deliveries += follower.cursor - before
      this.#counters.writes += 1
    }
    if (end === 'behind') void this.#catchUp(follower)
  }

  /** Reads on from the log until the ring reaches back to the follower's cursor, or it can take no more. */
  async #catchUp(follower: FeedFollower): Promise<void> {
    this.#catchingUp.add(follower)
    this.#counters.catchUps += 1
    let retry = false
    try {
      while (this.#followers.has(follower) && follower.unsentBytes() < this.#highWaterBytes) {
        if (follower.cursor < this.#floor - 1) follower.cursor = this.#floor - 1
        const { cursor } = follower
        const missing = this.#ring.first - 1 - cursor
        if (missing <= 0) break
        if (missing <= this.#ring.space && (await this.#backfill(missing))) continue
        const log = this.#log
        const slices = await this.#readOn(cursor, Math.min(CATCH_UP_ENTRIES, missing))
        // A reset or a leave while the log was read makes what came back void.
        if (this.#log !== log || follower.cursor !== cursor || !this.#followers.has(follower)) continue
        if (slices.length === 0) {
          retry = true
          break
        }
        this.#writeSlices(follower, slices)
      }
    } catch {
      retry = true
    } finally {
      this.#catchingUp.delete(follower)
    }
    if (!this.#followers.has(follower)) return
    if (retry) {
      this.#counters.catchUpFailures += 1
      this.#clock.after(CATCH_UP_RETRY_MS, () => {
        if (this.#followers.has(follower)) this.pumpOne(follower)
      })
    } else if (follower.unsentBytes() < this.#highWaterBytes) this.pumpOne(follower)
  }

  /** Writes what follows the cursor, as far as the follower can take it: of long entries a reading holds megabytes. */
  #writeSlices(follower: FeedFollower, slices: readonly Slice[]): void {
    for (const slice of slices) {
      if (follower.unsentBytes() >= this.#highWaterBytes) return
      follower.write(slice)
      follower.cursor = slice.to
      this.#counters.deliveries += slice.to - slice.from + 1
      this.#counters.writes += 1
    }
  }

  /** What follows `cursor`; whoever wants it while it is being read gets the same. */
  #readOn(cursor: Seq, limit: number): Promise<Slice[]> {
    const readings = this.#readings
    let reading = readings.get(cursor)
    if (reading === undefined) {
      reading = this.#read(cursor, limit)
        .then(([first, ...rest]) =>
          // Not `cursor` + 1: what was there may have been forgotten meanwhile.
          first === undefined ? [] : cutSlices([first, ...rest], seqOf(first), this.#highWaterBytes),
        )
        .finally(() => readings.delete(cursor))
      readings.set(cursor, reading)
    }
    return reading
  }

  /**
   * Reads `missing` entries before the ring into it, and at least as many as it has: so that it is filled in a few readings, however
   * many followers come back to however many places. Everybody who waits for them shares one reading.
   * @returns whether the ring reaches further back than before
   */
  async #backfill(missing: number): Promise<boolean> {
    const ring = this.#ring
    const { first } = ring
    this.#filling ??= this.#fill(ring, Math.max(missing, LEAST_FILLED, ring.head - first + 1)).finally(() => {
      this.#filling = undefined
    })
    await this.#filling
    return this.#ring !== ring || ring.first < first
  }

  async #fill(ring: Ring, wanted: number): Promise<void> {
    const to = ring.first - 1
    let from = Math.max(this.#floor - 1, to - Math.min(wanted, ring.space))
    const lines: Buffer[] = []
    // A page is cut where its entries are long: then it ends before the ring begins, and it takes some more.
    while (from + lines.length < to) {
      const more = await this.#read(from + lines.length, to - from - lines.length)
      const [first] = more
      if (first === undefined) return
      // It begins later if what is before it was forgotten meanwhile.
      if (seqOf(first) !== from + lines.length + 1) {
        from = seqOf(first) - 1
        lines.length = 0
      }
      lines.push(...more)
    }
    if (from + lines.length === to) ring.prepend(lines, to)
  }

  /** No flush comes after this. */
  close(): void {
    this.#flushLater?.()
    this.#flushLater = undefined
    this.#flushing = 'yes'
    this.#followers.clear()
  }
}
