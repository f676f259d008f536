import { encodeEntry, type Entry, type Seq } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Page } from './relay.ts'
import type { Ring } from './ring.ts'

/** The side of an entry on which others are asked for. */
export type Side = { after: Seq } | { before: Seq }

/**
 * At most `limit` of the entries, the first or the last ones, and no more bytes than one answer may hold, but at
 * least one. Cut at the home: a page of the longest texts would not fit through the bus.
 */
export function pageOf(entries: readonly Entry[], limit: number, keep: 'first' | 'last'): Page {
  const nearest = keep === 'first' ? entries : entries.toReversed()
  const lines = fitting(linesOf(nearest.slice(0, limit)))
  return { lines: keep === 'first' ? lines : lines.reverse(), done: lines.length === entries.length }
}

/**
 * The same from memory: thousands who come back at once ask for what lies a little before the stream, and a thread that is woken
 * for each of them would cost more than all else that is done for them.
 * @param isHome no entry is later than the ring's head; elsewhere some may be on their way
 * @returns undefined if others have to be asked
 */
export function recentPage(ring: Ring, side: Side, limit: number, isHome: boolean): Page | undefined {
  const { head } = ring
  const isAfter = 'after' in side
  const asked = isAfter ? side.after + limit : side.before - 1
  if (asked > head && !isHome) return undefined
  const to = Math.min(asked, head)
  const from = isAfter ? side.after + 1 : Math.max(1, to - limit + 1)
  const found = ring.lines(from, to)
  if (found === undefined) return undefined
  const lines = fitting(isAfter ? found : found.toReversed())
  const isWhole = lines.length === found.length
  return { lines: isAfter ? lines : lines.reverse(), done: isWhole && (isAfter ? to === head : from === 1) }
}

function* linesOf(entries: readonly Entry[]): Generator<Buffer> {
  for (const entry of entries) yield Buffer.from(encodeEntry(entry))
}

/** As many as one answer may hold. */
function fitting(nearest: Iterable<Buffer>): Buffer[] {
  const lines: Buffer[] = []
  let bytes = 0
  for (const line of nearest) {
    bytes += line.length
    if (lines.length > 0 && bytes > LIMITS.historyBytes) break
    lines.push(line)
  }
  return lines
}
