import { encodeEntry, type Entry } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Page } from './relay.ts'

/**
 * At most `limit` of the entries, the first or the last ones, and no more bytes than one answer may hold, but at
 * least one. Cut at the home: a page of the longest texts would not fit through the bus.
 */
export function pageOf(entries: readonly Entry[], limit: number, keep: 'first' | 'last'): Page {
  const nearest = keep === 'first' ? entries : entries.toReversed()
  const lines: Buffer[] = []
  let bytes = 0
  for (const entry of nearest.slice(0, limit)) {
    const line = Buffer.from(encodeEntry(entry))
    bytes += line.length
    if (lines.length > 0 && bytes > LIMITS.historyBytes) break
    lines.push(line)
  }
  return { lines: keep === 'first' ? lines : lines.reverse(), done: lines.length === entries.length }
}
