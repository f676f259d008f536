import { randomUUID } from 'node:crypto'
import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import type { CopiedRow } from './copied-row.ts'
import { inCommon, renewed, type Lineage } from './lineage.ts'
import { difference, intersection, rangeAt, type Range } from './ranges.ts'
import { EMPTY_ROW, extentOf, isErased, type Missing, type RoomRow } from './room-table.ts'
import type { SqliteWriter } from './sqlite-writer.ts'
import { SourceUnavailable, type Epoch, type StoreRef, type Taken, type Untaken } from './store.ts'

/** Entries copied in one transaction: about 3 ms, which an append may have to wait. */
export const COPY_CHUNK = 250
/** Stores a missing part, or a former one, may be in; a room that moves on and on forgets none of so many. */
const MAX_SOURCES = 32

/** The room in our own file while it is being taken: its row says that it is still elsewhere. */
export class RoomCopy {
  head: Seq = 0
  log: Lineage = { log: '', was: [] }
  readonly #writer: SqliteWriter
  readonly #self: string
  readonly #room: RoomId
  readonly #from: readonly StoreRef[]
  readonly #tail: number
  readonly #genesis: Genesis | undefined

  constructor(
    writer: SqliteWriter,
    self: string,
    room: RoomId,
    from: readonly StoreRef[],
    { tail, genesis }: { tail: number; genesis: Genesis | undefined },
  ) {
    this.#writer = writer
    this.#self = self
    this.#room = room
    this.#from = from
    this.#tail = tail
    this.#genesis = genesis
  }

  /**
   * Goes on behind what is here of that content, or with its tail if that is too far ahead, leaving gaps. What else is here is
   * void, and nothing else: an entry that both have stays, whatever log it was written in. It may be the only one, and the
   * other store may count on finding it here.
   * @param isDoubted more may have been said in that log: noted in our row, or the fences we raise would hide it
   * @returns whether it has to be called again first
   */
  begin(last: RoomRow, isDoubted: boolean): boolean {
    const { rooms } = this.#writer
    this.#writer.names.forget()
    return this.#writer.transact(() => {
      const movedTo = this.#from[0]!.id
      const { log, was } = last
      let row = rooms.get(this.#room)
      if (row !== undefined && isErased(row)) throw new SourceUnavailable(`${this.#room} was deleted`)
      const kept = row === undefined ? [] : keptOf(row, last)
      if (row !== undefined && row.log !== log && row.log !== '' && kept.length === 0) {
        // Not deleted here, where sends wait: there may be a million.
        rooms.bury(row)
        const { epoch, isDoubted: wasDoubted } = row
        row = rooms.insert({ ...EMPTY_ROW, room: row.room, log, was, movedTo, epoch, isDoubted: wasDoubted })
      }
      row ??= rooms.insert({ ...EMPTY_ROW, room: this.#room, log, movedTo })
      // What is ahead of this has to be here without a gap: people read it, and the other store has all of it.
      const { floor } = last
      const tailFrom = Math.max(last.head - this.#tail, last.missing?.ranges.at(-1)?.[1] ?? 0, floor - 1)
      this.head = rangeAt(kept, tailFrom + 1)?.[1] ?? tailFrom
      const ranges = this.head < floor ? [] : difference([[floor, this.head]], kept)
      this.log = { log, was }
      rooms.update({
        ...row,
        log,
        was,
        head: this.head,
        floor,
        isDoubted: row.isDoubted || isDoubted,
        // Even of what was here as a whole: a row that says so while it is being copied into would lie.
        movedTo: row.movedTo ?? movedTo,
        missing: ranges.length === 0 ? null : { ranges, from: this.#sources(row.missing) },
      })
      this.#writer.record.dropCopies(row.key, [1, Number.MAX_SAFE_INTEGER])
      const voids: Range[] = [[1, floor - 1], ...ranges, [this.head + 1, Number.MAX_SAFE_INTEGER]]
      return voids.filter((range) => rooms.cut(row.key, range, COPY_CHUNK)).length > 0
    })
  }

  add(rows: readonly CopiedRow[]): void {
    this.#writer.transact(() => {
      const row = this.#row()
      if (row.log !== this.log.log || row.head !== this.head || row.movedTo === null) {
        throw new SourceUnavailable(`${this.#room} was taken otherwise meanwhile`)
      }
      if (rows[0]![0] !== this.head + 1) throw new SourceUnavailable(`its log has no seq ${this.head + 1}`)
      this.#writer.insertCopied(row, rows)
      const last = rows.at(-1)!
      this.#writer.rooms.update({ ...row, head: last[0], lastTs: last[7] })
      this.head = last[0]
    })
  }

  /** `last`: the row of the store that had all of it, and its record, read behind its fence. `isDoubted`: as in `begin`. */
  finish(epoch: Epoch, last: RoomRow, isDoubted: boolean, record: readonly CopiedRow[]): Taken | Untaken {
    return this.#end(epoch, isDoubted, (row) => {
      if (row.head !== last.head || row.log !== last.log) {
        throw new SourceUnavailable(`its log ends at ${row.head}, not at ${last.head}`)
      }
      const { missing } = row
      this.#copyRecord(row, record)
      return {
        ...row,
        log: row.log === '' ? randomUUID() : row.log,
        lastTs: last.lastTs,
        genesis: last.genesis ?? row.genesis,
        missing: missing === null ? null : { ...missing, from: this.#sources(last.missing, missing) },
        formers: this.#formers(last.formers, row.formers),
      }
    })
  }

  /** Entries of record that are not here yet, or stay of what was forgotten. */
  #copyRecord(row: RoomRow, record: readonly CopiedRow[]): void {
    const { key, floor, missing } = row
    const ahead = record.filter(([seq]) => missing !== null && rangeAt(missing.ranges, seq) !== undefined)
    const kept = record.filter(([seq]) => seq < floor)
    this.#writer.insertCopied(row, ahead, -key)
    this.#writer.insertCopied(row, kept)
  }

  /** What was here before is the whole. */
  keep(epoch: Epoch, isDoubted: boolean): Taken | Untaken {
    return this.#end(epoch, isDoubted, (row) => ({ ...row, formers: this.#formers(row.formers) }))
  }

  #end(epoch: Epoch, isDoubted: boolean, content: (row: RoomRow) => RoomRow): Taken | Untaken {
    return this.#writer.transact((): Taken | Untaken => {
      const row = this.#row()
      if (row.epoch > epoch) return isErased(row) ? 'erased' : 'fenced'
      const whole = content(row)
      const log = isDoubted && whole.log !== '' ? renewed(whole, randomUUID()) : undefined
      const genesis = whole.genesis ?? this.#genesis ?? null
      const taken = { ...whole, ...log, genesis, epoch, movedTo: null, term: epoch, isDoubted: false }
      this.#writer.rooms.update(taken)
      return this.#writer.record.taken(taken)
    })
  }

  #row(): RoomRow {
    const row = this.#writer.rooms.get(this.#room)
    if (row === undefined) throw new Error(`${this.#room} is not being copied`)
    return row
  }

  /** Where a missing part may be: with those it is taken from, and where they themselves lack it, with theirs. */
  #sources(...missing: (Missing | null)[]): StoreRef[] {
    return this.#others([...this.#from, ...missing.flatMap((one) => one?.from ?? [])])
  }

  #formers(...earlier: (readonly StoreRef[])[]): StoreRef[] {
    return this.#others([...this.#from.map(({ id, dataDir }) => ({ id, dataDir })), ...earlier.flat()])
  }

  #others(all: readonly StoreRef[]): StoreRef[] {
    const byId = new Map<string, StoreRef>()
    for (const ref of all) if (ref.id !== this.#self && !byId.has(ref.id)) byId.set(ref.id, ref)
    return [...byId.values()].slice(0, MAX_SOURCES)
  }
}

/** What of ours is part of what the other store has. @throws SourceUnavailable: of one log we have more than the last home */
function keptOf(row: RoomRow, last: RoomRow): Range[] {
  if (row.log === last.log && row.head > last.head) {
    throw new SourceUnavailable(`its log ends at ${last.head}, here at ${row.head}`)
  }
  return intersection(intersection(extentOf(row), inCommon(row, last)), [[1, last.head]])
}
