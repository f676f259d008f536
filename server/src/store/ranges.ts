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

/** What is in both. */
export function intersection(one: readonly Range[], other: readonly Range[]): Range[] {
  return one.flatMap(([low, high]) =>
    other
      .map(([from, to]): Range => [Math.max(low, from), Math.min(high, to)])
      .filter(([from, to]) => from <= to),
  )
}

/** What is in either; where two meet they become one. */
export function union(one: readonly Range[], other: readonly Range[]): Range[] {
  const joined: Range[] = []
  for (const [from, to] of [...one, ...other].toSorted(([a], [b]) => a - b)) {
    const last = joined.at(-1)
    if (last === undefined || last[1] + 1 < from) joined.push([from, to])
    else joined[joined.length - 1] = [last[0], Math.max(last[1], to)]
  }
  return joined
}

/** What is in `ranges` and not in `others`. */
export function difference(ranges: readonly Range[], others: readonly Range[]): Range[] {
  return others.reduce((left: Range[], [from, to]) => without(left, from, to), [...ranges])
}

/** The one of `ranges` that `seq` is in. */
export function rangeAt(ranges: readonly Range[], seq: Seq): Range | undefined {
  return ranges.find(([from, to]) => from <= seq && seq <= to)
}
