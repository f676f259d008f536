import { endAfter, longestWithin, quantile, writeGaps, type Span } from './gaps.ts'
import type { FaultRecord } from './injector.ts'
import type { Journals } from './journal.ts'
import { ALL_KINDS, type FaultKind } from './plan.ts'

/** What the figures of a run are measured against: p99 of what the row counts, see KindFigures. */
export const GOALS_MS: Partial<Record<FaultKind, number>> = {
  drain: 250,
  kill: 2_000,
  pause: 6_000,
  all: 5_000,
  roll: 1_000,
}

export interface KindFigures {
  kind: FaultKind
  count: number
  /** Of these, how many came alone: only they are measured. */
  alone: number
  /** Messages acked while it lasted, and until all was well again. */
  acked: number
  /**
   * Milliseconds a room stood still, of each room whose home was hit. `all`: from the first process that was started again until
   * the last room was written again, one figure for each time.
   */
  gaps: number[]
  /**
   * Milliseconds a client was without a connection, of those that had been stable before. `roll`: the longest time of each
   * client, 0 if it was connected all the time.
   */
  outages: number[]
}

/** @returns a row per kind that occurred */
export function figuresOf(
  records: readonly FaultRecord[],
  journals: Pick<Journals, 'all' | 'outages'>,
): KindFigures[] {
  const gaps = writeGaps(journals.all)
  const acks = ascending(journals.all.flatMap(({ acked }) => acked.map(({ at }) => at)))
  const clients = journals.all.map(({ name }) => name)
  const gapsOf = (record: FaultRecord): number[] => {
    const window = windowOf(record)
    const ofRooms = record.rooms.map((room) => gaps.get(room) ?? [])
    if (record.kind !== 'all') return ofRooms.map((list) => longestWithin(list, window))
    const { restartedAt = record.at } = record
    // Gaps follow each other: the first that ends after it is the first ack.
    return [Math.max(0, ...ofRooms.map((list) => (endAfter(list, restartedAt) ?? Infinity) - restartedAt))]
  }
  const outagesOf = (record: FaultRecord): number[] => {
    const { from, to } = windowOf(record)
    if (record.kind !== 'roll') {
      const own = journals.outages.filter((one) => one.isPlain && one.from >= from && one.from < to)
      return own.map((one) => one.to - one.from)
    }
    const own = journals.outages.filter((one) => one.to > from && one.from < to)
    return clients.map((client) =>
      Math.max(0, ...own.filter(({ name }) => name === client).map((one) => one.to - one.from)),
    )
  }
  return ALL_KINDS.flatMap((kind) => {
    const own = records.filter((record) => record.kind === kind)
    if (own.length === 0) return []
    // One that did not come to its end is a breach, and has no figures.
    const alone = own.filter(({ isAlone, settledAt }) => isAlone && settledAt < Infinity)
    return {
      kind,
      count: own.length,
      alone: alone.length,
      acked: own.reduce((sum, record) => sum + countWithin(acks, windowOf(record)), 0),
      gaps: alone.flatMap(gapsOf),
      outages: alone.flatMap(outagesOf),
    }
  })
}

function windowOf({ at, settledAt }: FaultRecord): Span {
  return { from: at, to: settledAt }
}

function ascending(values: number[]): number[] {
  return values.sort((a, b) => a - b)
}

const HEADINGS = ['fault', 'count', 'alone', 'acked meanwhile', 'measured', 'write gap p50', 'p99', 'max']
const MORE_HEADINGS = ['goal p99', 'reconnects', 'p50', 'p99', 'max']

/** What has to be known to read the table. */
export const LEGEND = [
  'Only faults that came alone are measured: all was well when they began, and nothing else began before all was well again.',
  '"acked meanwhile": from the fault until what it broke was whole again.',
  '"write gap": of each room whose home was hit, the longest time between two acks while a send was waiting.',
  '`all`: from the first process that was started again, all having been killed, until the last of the rooms was written again; one figure for each time.',
  '`roll`: of each room, the longest write gap while every process was restarted in turn; "reconnects": of each client, its longest time without a connection, 0 if it had one all the time.',
  '"reconnects" otherwise: the times clients were without a connection, of those that had been connected for half a minute.',
] as const

/** As a Markdown table. */
export function tableOf(figures: readonly KindFigures[]): string[] {
  const rows = figures.map(({ kind, count, alone, acked, gaps, outages }) => {
    const goal = GOALS_MS[kind]
    const p99 = quantile(gaps, 0.99)
    const worst = kind === 'roll' ? Math.max(p99 ?? 0, quantile(outages, 0.99) ?? 0) : p99
    const isMet = goal === undefined || worst === undefined ? '' : worst <= goal ? ' met' : ' MISSED'
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
  return Math.max(0, firstAtLeast(sorted, to) - firstAtLeast(sorted, from))
}

function firstAtLeast(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** `0 lost, 0 doubled, 0 reordered`: breaches by what they mean for people. */
export function describeBreaches(breaches: readonly string[]): string {
  const count = (...numbers: string[]) =>
    breaches.filter((breach) => numbers.includes(breach.split(' ', 1)[0] ?? '')).length
  return `${count('1')} lost, ${count('2')} doubled, ${count('5', '6')} reordered, ${breaches.length} breaches in all`
}
