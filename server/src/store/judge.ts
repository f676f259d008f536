import type { Database } from 'better-sqlite3'
import type { Seq } from '@flotilla/protocol/frames.ts'
import type { Elsewheres } from './elsewhere.ts'
import { rangeAt } from './ranges.ts'
import type { RoomRow } from './room-table.ts'
import type { Known } from './source.ts'
import { ABSENT, CONFLICT, FORBIDDEN, GAP, NEW, ONLY_IF_THERE, REPEAT, UNSURE } from './sqlite-messages.ts'
import { SourceUnavailable } from './store.ts'

/** Judges drafts by what stands in the log, here and where the rest of a room is, inside the transaction that stores them. */
export class Judge {
  readonly #sql: ReturnType<typeof prepare>
  readonly #elsewheres: Elsewheres

  constructor(db: Database, elsewheres: Elsewheres) {
    this.#sql = prepare(db)
    this.#elsewheres = elsewheres
  }

  /** What stands here under an id. */
  known(key: number, sender: string, sendId: string): Known | undefined {
    return this.#sql.known.get(key, sender, sendId) as Known | undefined
  }

  /** Judges a draft by its `check`, as one that is not in the log. @returns NEW: it may be stored */
  refusal(row: RoomRow, check: string, sender: string, rest: string | null): number {
    if (check === ONLY_IF_THERE) return ABSENT
    const { target } = JSON.parse(rest ?? '{}') as { target?: Seq }
    if (target === undefined) return ABSENT
    let found = this.#sql.target.get(row.key, target) as { type: string; sender: string } | undefined
    if (found === undefined && row.missing !== null && rangeAt(row.missing.ranges, target) !== undefined) {
      try {
        const [other] = this.#elsewheres.of(row.room, row, row.missing).run(target, 'up', 1)
        found = other && { sender: other[4], type: other[6] }
      } catch (cause) {
        if (cause instanceof SourceUnavailable) return UNSURE
        throw cause
      }
    }
    if (found?.type !== 'message') return ABSENT
    return check === 'author' && found.sender !== sender ? FORBIDDEN : NEW
  }

  /**
   * Of a room that is not whole: whether the draft is new, going by what is here and by what is elsewhere; the one that it
   * repeats; or GAP, or UNSURE if what would tell cannot be read now.
   */
  elsewhere(
    row: RoomRow,
    sender: string,
    sendId: string,
    after: string | null,
  ): Known | typeof NEW | typeof GAP | typeof UNSURE {
    const missing = row.missing!
    const elsewhere = this.#elsewheres.of(row.room, row, missing)
    const find = (id: string) => this.known(row.key, sender, id) ?? elsewhere.find(missing.ranges, sender, id)
    const known = find(sendId)
    if (known === 'unsure') return UNSURE
    if (known !== 'absent') return known
    const predecessor = after === null ? undefined : find(after)
    if (predecessor === 'unsure') return UNSURE
    return predecessor === 'absent' ? GAP : NEW
  }
}

/** The outcome of a draft whose id stands there already. */
export function pushKnown(
  answer: number[],
  known: Known,
  type: string,
  text: string | null,
  rest: string | null,
  check: string | null,
): void {
  const isSame = known.type === type && known.text === text && known.rest === rest
  if (isSame) answer.push(REPEAT, known.seq, known.ts)
  else answer.push(check === ONLY_IF_THERE ? ABSENT : CONFLICT, 0, 0)
}

function prepare(db: Database) {
  return {
    known: db.prepare(
      `SELECT seq, ts, type, message AS text, rest FROM messages WHERE room_key = ? AND sender = ? AND send_id = ?`,
    ),
    target: db.prepare('SELECT type, sender FROM messages WHERE room_key = ? AND seq = ?'),
  }
}
