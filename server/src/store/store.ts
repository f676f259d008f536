import type { Entry, EntryType, LogId, RoomId, Seq, User, UserId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'

/** A home's term in a room; every next home has a higher one. */
export type Epoch = number

/** What a sender asks to have put into a room's log; its seq is given by the commit. */
export interface Draft {
  /** The sender's own id: unique per room and `user.id`, for ever. */
  id: string
  user: User
  type: EntryType
  /** Milliseconds since 1970 by the home's clock; what is stored never falls within a room. */
  ts: number
  text?: string
  replyTo?: Seq
  target?: Seq
  emoji?: string
  on?: boolean
  event?: string
  /** Anything JSON holds. */
  data?: unknown
  /** Take it only if this id of the same sender is in the log (or earlier in this batch and taken). */
  after?: string
  /** Take it only if `target` is a message of this room (`exists`), which this user wrote (`author`). */
  rule?: 'author' | 'exists'
  /** Store nothing: only say whether it is there already. */
  onlyIfThere?: true
}

export interface RoomBatch {
  room: RoomId
  epoch: Epoch
  drafts: readonly Draft[]
}

/** What one commit stores, of any number of rooms. A room may come more than once; order counts within a room. */
export type Batch = readonly RoomBatch[]

/** What became of one draft. Only `new` took a seq. */
export type Outcome =
  | { is: 'new'; seq: Seq; ts: number }
  /** The same id with the same content stands there already. */
  | { is: 'repeat'; seq: Seq; ts: number }
  /** The same id stands there with other content. */
  | { is: 'conflict' }
  /** `after` is not in the log. */
  | { is: 'gap' }
  /** It is not there (`onlyIfThere`), or what it is about is not (`rule`). */
  | { is: 'absent' }
  /** What it is about is another's (`rule` 'author'). */
  | { is: 'forbidden' }
  /** Nobody can tell now: that part of the log is in a store that is not available. Again later. */
  | { is: 'unsure' }

/**
 * `rooms` is in the order of the batch. `fenced`: nothing of that room was stored, its epoch is no longer the caller's.
 * `commitNo` belongs to the store: it rises with every commit that stored anything and never falls.
 */
export interface Committed {
  commitNo: number
  rooms: readonly ('fenced' | readonly Outcome[])[]
}

/** Why a room was not taken: another epoch or store stands against it; or it was deleted, for good. */
export type Untaken = 'fenced' | 'erased'

/** `isWhole` false: the older part is still in the stores it was taken from, and is being copied. */
export interface Taken {
  log: LogId
  head: Seq
  isWhole: boolean
  /** The lowest seq that is served; what was before it was forgotten. 1 at first. */
  floor: Seq
  /** Absent: the room is older than these, and public. */
  genesis?: Genesis
  /** Every `system` entry of the room up to `head`, ascending, those below the floor, too. */
  chronicle: Entry[]
}

export interface HeldRoom {
  room: RoomId
  epoch: Epoch
  head: Seq
  log: LogId
  isWhole: boolean
  genesis?: Genesis
}

export interface Swept {
  room: RoomId
  floor: Seq
}

/**
 * Some of what one user has said, in the rooms that are served from this store. `isWhole` false: parts of some are still
 * elsewhere, and what he said there is not among it.
 */
export interface Sent {
  entries: Entry[]
  /** Given as `after`, it leads to what follows. Absent: that was all. */
  next?: string
  isWhole: boolean
}

/** Another server's store on this machine: its server id and its data folder. */
export interface StoreRef {
  id: string
  dataDir: string
  /** The highest commit number that is known of it; 0 or absent: none is. */
  watermark?: number
}

/**
 * The log of every room, and the judge of who may write it. Every adapter keeps:
 *
 * S1  Once `take(room, epoch)` resolved to a head, no lower epoch can append to the room; the head was read after that.
 *     Taking again in the same epoch changes nothing. A higher epoch standing there, or the room having moved to
 *     another store (and no `from` that leads to its content), answers 'fenced' and changes nothing.
 * S2  `append` is durable when it resolves, for every room but those it answers 'fenced': their epoch in the store is
 *     not the caller's (any other than the one taken), and nothing of theirs was stored. All of a batch, or none.
 * S3  A room's entries have seq 1, 2, 3 … without gap, in the order of their drafts; `ts` never falls within a room.
 * S4  (room, `user.id`, `id`) is stored once, for ever: the same again is a `repeat` with the first one's seq and ts,
 *     and other content (type, text, or any further field; not the name, `ts` or `after`) is a `conflict`.
 *     With `onlyIfThere` anything but a repeat is `absent`, and nothing is stored.
 * S5  A draft whose `after` is neither in the log nor taken earlier in the batch is a `gap`; a repeat is a repeat whatever
 *     its `after`. With a `rule`, what would be new is judged by what stands in the log then, drafts before it in the batch
 *     included: its `target` is no message there: `absent`; another's: `forbidden`. What is not taken stores nothing, and the
 *     drafts behind it are judged on their own.
 * S6  `read` returns the entries next to a seq, on the side asked for, ascending, at most `limit` (≥ 0), each byte for
 *     byte what was appended. An entry is readable at the latest when its `append` has resolved. A room nobody took is empty.
 * S7  A room's `log` id is made at the first `take` and stays with its content, wherever that is taken to.
 *     So does its genesis, which is that of the first `take` that brought one.
 * S8  All of this outlives the process: `held` lists the rooms that were taken and did not move away, but for those S9 speaks of.
 * S9  After `renewLogs(n)` every room has another log id, and commit numbers go on above n: what stands here is less than was
 *     once committed, so the old ids must not be used for what comes now. A room's next `take` with `from` compares with
 *     what stands there, even if the room never left; until that take, `held` does not list it. What stands is not lost by
 *     that: its entries keep their seqs, and stores that hold parts of the room find each other's by the old ids.
 * S10 Once `erase` resolved, nothing that was said in the room is left in this store or its files, and no take brings it back:
 *     each answers 'erased', here and wherever it is to be taken from here; an append answers 'fenced', a read nothing.
 * S11 `forget` deletes what is older but for what changed the room, and deletions. The floor rises to the first entry that is
 *     not older, goes wherever the room goes, and never falls; nothing below it is read. An id that was forgotten is not known
 *     any more. Where the boundary lies in a part that is still elsewhere, nothing happens until that is here. A sweep also has the
 *     stores it was taken from forget it, as far as they can be written to; what cannot be now is tried again with the next one.
 * S12 With an entry `gone` (a `system` entry) the name of its user becomes 'deleted user' in all that he said in the room, and in
 *     what changed it, and in its genesis; also in what is copied here later.
 *
 * A room may be served before all of it is here (`isWhole`): what is missing is read from the stores it was taken from, by
 * `read` and by the search for an id alike, until it is copied.
 *
 * Calls may overlap; appends are carried out in the order they were made.
 * @throws StoreLost (rejects): the outcome of the call is unknown, and every later call fails the same way.
 * @throws StoreFull (rejects): nothing was stored; reads go on; try again later.
 * @throws SourceUnavailable (`take` and `read`, rejects): another store that is needed for it cannot be read now; this one is as
 *   before.
 */
export interface Store {
  /**
   * Becomes the room's home in `epoch` (≥ 1). `from`: every other store that may hold the room or still come to hold it in a
   * lower epoch; all of them are fenced. The content is that of the store that had all of it last. `genesis`: kept if the room
   * has none yet.
   */
  take(room: RoomId, epoch: Epoch, from?: readonly StoreRef[], genesis?: Genesis): Promise<Taken | Untaken>
  append(batch: Batch): Promise<Committed>
  read(room: RoomId, side: { after: Seq } | { before: Seq }, limit: number): Promise<Entry[]>
  held(): Promise<HeldRoom[]>
  /** What changed the room, and deletions: at most `limit` of the last before a seq (absent: of all), descending. See S12. */
  audit(room: RoomId, before: Seq | undefined, limit: number): Promise<Entry[]>
  /** Deletes the room here, for good. Asked again it does what is left of that. See S10. */
  erase(room: RoomId): Promise<void>
  /**
   * Forgets what was said in a room that is served from here before a time (milliseconds since 1970). See S11.
   * @returns the floor
   */
  forget(room: RoomId, beforeTs: number): Promise<Seq | 'fenced'>
  /**
   * Forgets in every room that is served from here what its last `retention` entry says (`data.days`; null: keep all), `now` in
   * milliseconds since 1970. @returns the rooms whose floor has risen
   */
  sweep(now: number): Promise<Swept[]>
  /** Takes a user's name out of what is still here of rooms that are served elsewhere: no entry `gone` comes here. See S12. */
  forgetName(userId: UserId): Promise<void>
  /** The rooms that are served from here in which this user has entries. @throws SourceUnavailable */
  roomsOf(userId: UserId): Promise<RoomId[]>
  /** What he has said in them, a page (`limit` ≥ 1) at a time, room by room, in no particular order within one. */
  entriesOf(userId: UserId, after: string | undefined, limit: number): Promise<Sent>
  /** @returns the commit number from here on */
  renewLogs(above: number): Promise<number>
  /** Finishes what was asked before, then lets go; later calls reject. */
  close(): Promise<void>
}

/** Outcome unknown: ack nothing. The store is dead from here on; only a new process may look at what it holds. */
export class StoreLost extends Error {
  override name = 'StoreLost'
}

/** No space left (or another process keeps the file locked): nothing was stored, reads go on, try again later. */
export class StoreFull extends Error {
  override name = 'StoreFull'
}

/** The last home's store cannot be read, or is locked for too long; nothing changed, neither there nor here. */
export class SourceUnavailable extends Error {
  override name = 'SourceUnavailable'
}

/** It can be read, and what stands there is not what was written. */
export class SourceDamaged extends SourceUnavailable {
  override name = 'SourceDamaged'
}

/** The store cannot be opened as it is: folder not writable, schema of a newer version, not ours. One line, with the path. */
export class StoreUnusable extends Error {
  override name = 'StoreUnusable'
}

/** What stands in the file is not what SQLite wrote there. One line, with the path. */
export class StoreDamaged extends StoreUnusable {
  override name = 'StoreDamaged'
}
