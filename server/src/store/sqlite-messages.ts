import type { Entry, EntryType, RoomId, Seq, UserId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { entryOf, restOf } from './entries.ts'
import type { Batch, Committed, Draft, Epoch, Outcome, StoreRef } from './store.ts'

/**
 * What SqliteStore and its two workers say to each other. Batches, outcomes and entries cross as flat arrays of strings and
 * numbers: half the cost of objects, and on the way to the disk the crossing is what costs the event loop most.
 */
export type Cell = string | number | null

export type Ask =
  | { ask: 'append'; id: number; cells: Cell[] }
  | {
      ask: 'take'
      id: number
      room: RoomId
      epoch: Epoch
      from: readonly StoreRef[]
      genesis: Genesis | undefined
    }
  | { ask: 'held'; id: number }
  | { ask: 'renew-logs'; id: number; above: number }
  | { ask: 'read'; id: number; room: RoomId; side: 'after' | 'before'; seq: Seq; limit: number }
  | { ask: 'audit'; id: number; room: RoomId; before: Seq; limit: number }
  | { ask: 'rooms-of'; id: number; userId: UserId }
  | { ask: 'entries-of'; id: number; userId: UserId; after: string | undefined; limit: number }
  | { ask: 'erase'; id: number; room: RoomId }
  | { ask: 'forget'; id: number; room: RoomId; beforeTs: number }
  | { ask: 'sweep'; id: number; now: number }
  | { ask: 'forget-name'; id: number; userId: UserId }
  | { ask: 'checkpoint'; id: number }
  | { ask: 'close'; id: number }

export type Answer =
  | { id: number; value: unknown }
  | { id: number; failed: 'full' | 'busy' | 'lost' | 'source'; message: string }
  /** From the writer: the WAL has grown, let the reader bring it into the file. */
  | { event: 'checkpoint-due' }
  /** From the writer: what is missing of a room cannot be copied now. */
  | { event: 'copy-failed'; room: RoomId; message: string }
  | { event: 'opened'; isRenewed: boolean }
  /** From the writer: an entry of a room was damaged where it still was, so the room has another log. */
  | { event: 'renewed'; room: RoomId }
  /** From the writer: all of a room is here now. */
  | { event: 'whole'; room: RoomId; epoch: Epoch; head: Seq }
  | { event: 'unusable' | 'damaged'; message: string }

/** Cells of one draft in a batch: id, user id, user name, type, ts, text, rest, after, check. */
export const DRAFT_CELLS = 9
/** `check` of a draft that is not to be stored; of others it is their rule, or null. */
export const ONLY_IF_THERE = 'only-if-there'

export function packBatch(batch: Batch): Cell[] {
  const cells: Cell[] = []
  for (const { room, epoch, drafts } of batch) {
    cells.push(room, epoch, drafts.length)
    for (const draft of drafts) {
      const { id, user, type, ts, text, after } = draft
      cells.push(id, user.id, user.name, type, ts, text ?? null, restOf(draft), after ?? null, checkOf(draft))
    }
  }
  return cells
}

function checkOf({ rule, onlyIfThere }: Draft): string | null {
  return onlyIfThere === true ? ONLY_IF_THERE : (rule ?? null)
}

export const FENCED = -1
/** By the numbers they cross as. */
export const OUTCOMES = [
  'new',
  'repeat',
  'conflict',
  'gap',
  'unsure',
  'absent',
  'forbidden',
] as const satisfies Outcome['is'][]
export const NEW = 0
export const REPEAT = 1
export const CONFLICT = 2
export const GAP = 3
export const UNSURE = 4
export const ABSENT = 5
export const FORBIDDEN = 6

/** Reads `commitNo, (FENCED | count, (outcome, seq, ts) × count) × rooms`. */
export function unpackCommitted(numbers: readonly number[]): Committed {
  const rooms: ('fenced' | Outcome[])[] = []
  let at = 1
  while (at < numbers.length) {
    const count = numbers[at++]!
    if (count === FENCED) {
      rooms.push('fenced')
      continue
    }
    const outcomes: Outcome[] = []
    for (let i = 0; i < count; i += 1, at += 3) {
      const is = OUTCOMES[numbers[at]!]!
      outcomes.push(
        is === 'new' || is === 'repeat' ? { is, seq: numbers[at + 1]!, ts: numbers[at + 2]! } : { is },
      )
    }
    rooms.push(outcomes)
  }
  return { commitNo: numbers[0]!, rooms }
}

/** Cells of one entry, in the order in which the reader selects them. */
export type EntryRow = [
  seq: Seq,
  sendId: string,
  userId: string,
  userName: string,
  type: EntryType,
  ts: number,
  text: string | null,
  rest: string | null,
]

export function unpackEntries(room: RoomId, rows: readonly EntryRow[]): Entry[] {
  return rows.map(([seq, id, userId, userName, type, ts, text, rest]) =>
    entryOf(room, seq, id, userId, userName, type, ts, text, rest),
  )
}
