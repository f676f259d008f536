import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { COPY_CHUNK, RoomCopy } from './room-copy.ts'
import { isErased, type RoomRow } from './room-table.ts'
import { Source } from './source.ts'
import type { SqliteWriter } from './sqlite-writer.ts'
import { SourceUnavailable, type Epoch, type StoreRef, type Taken, type Untaken } from './store.ts'

/** How many of the last entries of a room are here before it is served: what people read, and the ids they may send again. */
export const TAIL = 1_000
/** A file that stays locked this often belongs to a server that was paused just then: the caller waits between tries. */
const LOCK_TRIES = 100

/** The places between steps, by the names tests cut them off at. */
export type Step = 'void deleted' | 'chunk copied' | 'level' | 'locked there' | 'fenced there' | 'rest copied'

/**
 * Takes a room out of the files of those who were its home before, dead, paused or running: copies the tail of what is there,
 * raises the fence in each of them (from then on none of them can append, nor finish a take-over of its own), copies what came
 * meanwhile, and only then makes the room ours. What is older is copied behind (copy-behind.ts), so the time this takes does
 * not grow with the room.
 *
 * Of several stores the one that was the home last (`term`) has all that was ever acked: each home took over from
 * all those before. Heads alone do not tell: a file that lost its end, or came back from a backup, may go on elsewhere.
 * If its content was taken on by a store that has lost it, it goes on in another log: in the old one its next seqs are taken.
 * Until the last step our own row says that the room is elsewhere, so a crash anywhere leaves a state from which the same call
 * goes on.
 *
 * The caller drives it and may do other work between steps.
 * @throws SourceUnavailable; and SQLite's errors and Damage, which are of our own file then.
 */
export function* takeOver(
  writer: SqliteWriter,
  self: string,
  room: RoomId,
  epoch: Epoch,
  from: readonly StoreRef[],
  { tail = TAIL, genesis }: { tail?: number; genesis?: Genesis | undefined } = {},
): Generator<Step, Taken | Untaken> {
  const ours = writer.row(room)
  if (ours !== undefined && ours.epoch > epoch) return isErased(ours) ? 'erased' : 'fenced'
  if (ours !== undefined && ours.movedTo === null && !ours.isDoubted) {
    // Here already: the call is a repeat, or those named after us never came to take it.
    const taken = writer.take(room, epoch, genesis)
    return taken === 'elsewhere' ? 'fenced' : taken
  }
  const sources: Source[] = []
  try {
    for (const ref of from) sources.push(new Source(ref, room))
    const known = new Set([self, ...from.map(({ id }) => id)])
    const found = sources.map((source) => ({ source, row: source.row() }))
    if (found.some(({ row }) => row !== undefined && isErased(row))) return 'erased'
    const lastTerm = Math.max(ours?.term ?? 0, ...found.map(({ row }) => row?.term ?? 0))
    const standsAgainst = (row: RoomRow) => fences(row, { epoch, self, known, lastTerm })
    if (found.some(({ row }) => row !== undefined && standsAgainst(row))) return 'fenced'
    const copy = new RoomCopy(writer, self, room, from, { tail, genesis })
    const isLost = (row: RoomRow, others: readonly { source: Source; row: RoomRow | undefined }[]) =>
      lostSince(row, (id) =>
        id === self ? writer.row(room) : others.find(({ source }) => source.ref.id === id)?.row,
      )
    const early = latest(found.flatMap(({ source, row }) => (row === undefined ? [] : [{ source, row }])))
    // Of a log without entries, too: whoever raised a fence for a room, and has no row of it, has lost that.
    if (early !== undefined && early.row.log !== '' && isAhead(early.row, ours)) {
      const isDoubted = isLost(early.row, found)
      while (copy.begin(early.row, isDoubted)) yield 'void deleted'
      while (copyChunk(early.source, copy)) yield 'chunk copied'
    }
    yield 'level'

    const fenced: { source: Source; row: RoomRow }[] = []
    for (const source of sources) {
      let row = source.fence(epoch, self, standsAgainst)
      for (let tries = 1; row === 'busy'; tries += 1) {
        if (tries === LOCK_TRIES) throw new SourceUnavailable(`${source.path} is kept locked by its server`)
        yield 'locked there'
        row = source.fence(epoch, self, standsAgainst)
      }
      if (row === 'fenced') {
        const now = source.row()
        return now !== undefined && isErased(now) ? 'erased' : 'fenced'
      }
      fenced.push({ source, row })
      yield 'fenced there'
    }

    const last = latest(fenced)!
    const own = writer.row(room)
    // Everybody else was cut off on the way from here: what we had is still the whole.
    if (own !== undefined && !isAhead(last.row, own)) return copy.keep(epoch, isLost(own, fenced))
    const isDoubted = isLost(last.row, fenced)
    while (copy.begin(last.row, isDoubted)) yield 'void deleted'
    while (copyChunk(last.source, copy)) yield 'chunk copied'
    yield 'rest copied'
    return copy.finish(epoch, last.row, isDoubted, last.source.record())
  } finally {
    for (const source of sources) source.close()
  }
}

/**
 * Whether a store that took the room from the one with this row may have been its home since and have lost that: its file had
 * commits missing, and what it says of the room is no witness. What it acked in this log nobody knows.
 */
function lostSince({ movedTo }: RoomRow, rowOf: (id: string) => RoomRow | undefined): boolean {
  if (movedTo === null) return false
  const theirs = rowOf(movedTo)
  return theirs === undefined || theirs.log === '' || theirs.isDoubted
}

/** Whether `one` has all that `other` has: it was the home later, or it is further on in a copy of the same. */
function isAhead(one: RoomRow, other: RoomRow | undefined): boolean {
  if (other === undefined) return true
  if (one.term !== other.term) return one.term > other.term
  if (one.head !== other.head) return one.head > other.head
  return one.log !== '' || other.log === ''
}

function latest<T extends { row: RoomRow }>(all: readonly T[]): T | undefined {
  return all.reduce<T | undefined>(
    (best, one) => (best === undefined || !isAhead(best.row, one.row) ? one : best),
    undefined,
  )
}

/** @returns whether there may be more */
function copyChunk(from: Source, to: RoomCopy): boolean {
  const rows = from.run(to.log, to.head + 1, 'up', COPY_CHUNK)
  if (rows.length > 0) to.add(rows)
  return rows.length === COPY_CHUNK
}

/**
 * Whether a row in another store stands against `self` taking the room in `epoch`. `known`: the stores that are asked;
 * `lastTerm`: the last in which one of them was the home.
 */
function fences(
  theirs: RoomRow,
  {
    epoch,
    self,
    known,
    lastTerm,
  }: { epoch: Epoch; self: string; known: ReadonlySet<string>; lastTerm: Epoch },
): boolean {
  if (theirs.epoch > epoch) return true
  // Our own epoch again: only we ourselves can have raised that fence, on a way that was cut off.
  if (theirs.epoch === epoch) return theirs.movedTo !== self
  // Moved to a store nobody named: the content may be there, unless somebody who is asked was the home later and so had all of
  // it. Who was named as the home and never came to it still has such a row from long before.
  return theirs.movedTo !== null && !known.has(theirs.movedTo) && theirs.epoch > lastTerm
}
