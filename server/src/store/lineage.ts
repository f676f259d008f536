import type { LogId, Seq } from '@flotilla/protocol/frames.ts'
import { intersection, union, type Range } from './ranges.ts'

/**
 * A log as one store knows it. A file that has lost commits goes on in other logs, with what still stands in it: those entries are
 * what they were, seq by seq, and another store may hold some of them, or miss some of them, under the earlier id. So a log id
 * alone does not tell whether two stores speak of the same entry; any id that both know it by does.
 */
export interface Lineage {
  /** Empty: there is no log yet. */
  log: LogId
  /** The logs this one came out of, the earliest first. Made with the log, and the same wherever its content is taken to. */
  was: readonly Ancestor[]
}

/** An earlier log: `ranges` is what the later one has of it, each entry with its seq and body. */
export interface Ancestor {
  log: LogId
  ranges: readonly Range[]
}

/** Forgetting the earliest loses nothing but the way to parts of a room that nobody copied through so many damages. */
const MAX_ANCESTORS = 32
/** Only damaged entries part one from the next; what is missing elsewhere is mostly of the oldest. */
const MAX_RANGES = 100

/** The seqs that stand for the same entry in both. */
export function inCommon(one: Lineage, other: Lineage): Range[] {
  const others = namesOf(other)
  return namesOf(one).reduce((common: Range[], { log, ranges }) => {
    const same = others.find((name) => name.log === log)
    return same === undefined ? common : union(common, intersection(ranges, same.ranges))
  }, [])
}

/** The lineage of a room that goes on in the log `log`; `kept`: which of its entries are what they were before. */
export function renewed(
  row: Lineage & { head: Seq },
  log: LogId,
  kept: readonly Range[] = [[1, row.head]],
): Lineage {
  const stands = intersection(kept, [[1, row.head]]).slice(0, MAX_RANGES)
  const was = namesOf(row)
    .map((name) => ({ log: name.log, ranges: intersection(name.ranges, stands) }))
    .filter(({ ranges }) => ranges.length > 0)
  return { log, was: was.slice(-MAX_ANCESTORS) }
}

function namesOf({ log, was }: Lineage): Ancestor[] {
  return log === '' ? [] : [...was, { log, ranges: [[1, Infinity]] }]
}
