import { longestWithin, quantile, writeGaps, type Span } from './gaps.ts'
import type { FaultRecord } from './injector.ts'
import type { Journals } from './journal.ts'
import { FAULT_KINDS, type FaultKind } from './plan.ts'

/** What the figures of a run are measured against; p99 of the write gap, `all`: until every room is written again. */
export const GOALS_MS: Partial<Record<FaultKind, number>> = {
  drain: 250,
  kill: 2_000,
  pause: 6_000,
  all: 5_000,
}

export interface KindFigures {
  kind: FaultKind
  count: number
  /** Of these, how many came alone: only they are measured. */
  alone: number
  /** Messages acked while it lasted, and until all was well again. */
  acked: number
  /** Milliseconds a room stood still, of each room whose home was hit. */
  gaps: number[]
  /** Milliseconds a client was without a connection, of those that had been stable before. */
  outages: number[]
}

/** @returns a row per kind that occurred */
export function figuresOf(records: readonly FaultRecord[], journals: Journals): KindFigures[] {
  const gaps = writeGaps(journals.all)
  const acks = journals.all.flatMap(({ acked }) => acked.map(({ at }) => at)).sort((a, b) => a - b)
  return FAULT_KINDS.flatMap((kind) => {
    const own = records.filter((record) => record.kind === kind)
    if (own.length === 0) return []
    const alone = own.filter(({ isAlone }) => isAlone)
    const windowOf = ({ at, settledAt }: FaultRecord): Span => ({ from: at, to: settledAt })
    return {
      kind,
      count: own.length,
      alone: alone.length,
      acked: own.reduce((sum, record) => sum + countWithin(acks, windowOf(record)), 0),
      gaps: alone.flatMap((record) =>
        record.rooms.map((room) => longestWithin(gaps.get(room) ?? [], windowOf(record))),
      ),
      outages: alone.flatMap((record) =>
        journals.outages
          .filter(({ from, isPlain }) => isPlain && from >= record.at && from < record.settledAt)
          .map(({ from, to }) => to - from),
      ),
    }
  })
}

const HEADINGS = ['fault', 'count', 'alone', 'acked meanwhile', 'rooms hit', 'write gap p50', 'p99', 'max']
const MORE_HEADINGS = ['goal p99', 'reconnects', 'p50', 'p99', 'max']

/** As a Markdown table. */
export function tableOf(figures: readonly KindFigures[]): string[] {
  const rows = figures.map(({ kind, count, alone, acked, gaps, outages }) => {
    const goal = GOALS_MS[kind]
    const p99 = quantile(gaps, 0.99)
    const isMet = goal === undefined || p99 === undefined ? '' : p99 <= goal ? ' met' : ' MISSED'
    return [
      ...[kind, String(count), String(alone), String(acked), String(gaps.length), ...threeOf(gaps)],
      goal === undefined ? '' : `${goal} ms${isMet}`,
      ...[String(outages.length), ...threeOf(outages)],
    ]
  })
  return markdown([[...HEADINGS, ...MORE_HEADINGS], ...rows])
}

function threeOf(values: readonly number[]): string[] {
  return [0.5, 0.99, 1].map((part) => {
    const value = quantile(values, part)
    return value === undefined ? '' : `${Math.round(value)} ms`
  })
}

function markdown(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  return [line(rows[0]!), line(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(line)]
}

function countWithin(sorted: readonly number[], { from, to }: Span): number {
  return sorted.filter((at) => at >= from && at < to).length
}

/** `0 lost, 0 doubled, 0 reordered`: breaches by what they mean for people. */
export function describeBreaches(breaches: readonly string[]): string {
  const count = (...numbers: string[]) =>
    breaches.filter((breach) => numbers.includes(breach.split(' ', 1)[0] ?? '')).length
  return `${count('1')} lost, ${count('2')} doubled, ${count('5', '6')} reordered, ${breaches.length} breaches in all`
}
