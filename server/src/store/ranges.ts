import type { Seq } from '@flotilla/protocol/frames.ts'

/** Stretches of seqs, both ends included; ascending and apart from each other. */
export type Range = readonly [from: Seq, to: Seq]

/** What is left of `ranges` without `from … to`. */
export function without(ranges: readonly Range[], from: Seq, to: Seq): Range[] {
  return ranges.flatMap(([low, high]): Range[] => {
    if (high < from || low > to) return [[low, high]]
    const left: Range[] = []
    if (low < from) left.push([low, from - 1])
    if (high > to) left.push([to + 1, high])
    return left
  })
}

/** The one of `ranges` that `seq` is in. */
export function rangeAt(ranges: readonly Range[], seq: Seq): Range | undefined {
  return ranges.find(([from, to]) => from <= seq && seq <= to)
}
