import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import type { CopiedRow } from './copied-row.ts'
import type { Lineage } from './lineage.ts'
import { difference, type Range } from './ranges.ts'
import type { Missing } from './room-table.ts'
import { Source, type Known } from './source.ts'
import { SourceDamaged, SourceUnavailable } from './store.ts'

/** Rooms whose sources are kept open; of the others they are opened when needed. */
const ROOMS_OPEN = 16

/** The part of a room's log that is still in other servers' files. */
export class Elsewhere {
  readonly #room: RoomId
  readonly #log: Lineage
  readonly #missing: Missing
  readonly #sources = new Map<string, Source>()

  constructor(room: RoomId, log: Lineage, missing: Missing) {
    this.#room = room
    this.#log = log
    this.#missing = missing
  }

  isOf({ log }: Lineage, { from }: Missing): boolean {
    return log === this.#log.log && JSON.stringify(from) === JSON.stringify(this.#missing.from)
  }

  /**
   * As Source.run, from the first store that has `at`.
   * @throws SourceUnavailable: none of those that can be read has it; SourceDamaged: all can be, and who has it has it no more as
   *   it was
   */
  run(at: Seq, way: 'up' | 'down', limit: number): CopiedRow[] {
    let why = 'no store is known to have it'
    let damaged: SourceDamaged | undefined
    let isAway = false
    for (const { id, dataDir } of this.#missing.from) {
      const rows = this.#try({ id, dataDir }, (source) => source.run(this.#log, at, way, limit))
      if (!(rows instanceof SourceUnavailable)) {
        if (rows.length > 0) return rows
        continue
      }
      why = rows.message
      if (rows instanceof SourceDamaged) damaged = rows
      else isAway = true
    }
    if (damaged !== undefined && !isAway) throw damaged
    throw new SourceUnavailable(`seq ${at} of ${this.#room} cannot be read: ${why}`)
  }

  /** Whether (sender, id) stands in `ranges`; 'unsure' if it was not found and not all of them could be searched. */
  find(ranges: readonly Range[], sender: string, sendId: string): Known | 'absent' | 'unsure' {
    let unsearched: readonly Range[] = ranges
    for (const ref of this.#missing.from) {
      const answer = this.#try(ref, (source) => source.find(this.#log, sender, sendId))
      if (answer instanceof SourceUnavailable) continue
      if (answer.known !== undefined) return answer.known
      unsearched = difference(unsearched, answer.searched)
    }
    return unsearched.length === 0 ? 'absent' : 'unsure'
  }

  /** Whether this sender has entries there. @throws SourceUnavailable: nobody can tell now */
  has(sender: string): boolean {
    let why: string | undefined
    for (const ref of this.#missing.from) {
      const answer = this.#try(ref, (source) => ({ has: source.has(this.#log, sender) }))
      if (answer instanceof SourceUnavailable) why = answer.message
      else if (answer.has) return true
    }
    if (why !== undefined) throw new SourceUnavailable(`whether ${this.#room} has entries of a user: ${why}`)
    return false
  }

  /** @returns why not, if it cannot be asked now */
  #try<T extends object>(
    ref: { id: string; dataDir: string },
    ask: (source: Source) => T,
  ): T | SourceUnavailable {
    try {
      let source = this.#sources.get(ref.id)
      if (source === undefined) this.#sources.set(ref.id, (source = new Source(ref, this.#room)))
      return ask(source)
    } catch (cause) {
      if (!(cause instanceof SourceUnavailable)) throw cause
      this.#sources.get(ref.id)?.close() // opened anew next time: the file may be another one by then
      this.#sources.delete(ref.id)
      return cause
    }
  }

  close(): void {
    for (const source of this.#sources.values()) source.close()
    this.#sources.clear()
  }
}

/** The open ones, by room. */
export class Elsewheres {
  readonly #open = new Map<RoomId, Elsewhere>()

  of(room: RoomId, log: Lineage, missing: Missing): Elsewhere {
    const known = this.#open.get(room)
    if (known?.isOf(log, missing) === true) return known
    this.close(room)
    if (this.#open.size >= ROOMS_OPEN) this.close(this.#open.keys().next().value!)
    const elsewhere = new Elsewhere(room, log, missing)
    this.#open.set(room, elsewhere)
    return elsewhere
  }

  close(room: RoomId): void {
    this.#open.get(room)?.close()
    this.#open.delete(room)
  }

  closeAll(): void {
    for (const room of [...this.#open.keys()]) this.close(room)
  }
}
