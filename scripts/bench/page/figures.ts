// Figures that were measured, kept as JSON: runs of some parts, or of some servers, add up.
import { readFile } from 'node:fs/promises'
import type { Line, Row, Section } from '../report.ts'

/** What a run says of itself, and what it measured: as `--json` writes it. */
export interface Run {
  date: string
  node: string
  cpu: string
  pinning: string
  disk: string
  seconds: number
  targets: readonly string[]
  sections: readonly Section[]
}

export interface DatedLine extends Line {
  /** When its run began, as ISO 8601. */
  at?: string
}

export async function readRun(file: string): Promise<Run> {
  const run = JSON.parse(await readFile(file, 'utf8')) as Run
  if (!Array.isArray(run.sections)) throw new Error(`${file} holds no figures of a benchmark`)
  return run
}

/** Later runs win: line by line, each of which says from then on when it was measured. At least one run. */
export function mergeRuns(runs: readonly Run[]): Run {
  const last = runs.at(-1)
  if (last === undefined) throw new Error('there are no figures')
  const sections = new Map<string, Section>()
  for (const { date, sections: measured } of runs) {
    for (const section of measured) {
      const before = sections.get(section.title)
      const rows = section.rows.map((row) => dated(row, date))
      sections.set(section.title, { ...section, rows: mergeRows(before?.rows ?? [], rows) })
    }
  }
  const targets = [
    ...new Map(runs.flatMap((run) => run.targets.map((says) => [nameIn(says), says]))).values(),
  ]
  return { ...last, targets, sections: [...sections.values()] }
}

/** `targets` of a run are lines that begin with the name. */
function nameIn(says: string): string {
  return says.split(':', 1)[0] ?? says
}

function dated(row: Row, date: string): Row {
  return { ...row, lines: row.lines.map((line: DatedLine) => ({ ...line, at: line.at ?? date })) }
}

function mergeRows(before: readonly Row[], after: readonly Row[]): Row[] {
  const rows = new Map(before.map((row) => [row.label, row]))
  for (const { label, lines } of after) {
    const merged = new Map((rows.get(label)?.lines ?? []).map((line) => [line.target, line]))
    for (const line of lines) merged.set(line.target, line)
    const inOrder = [...merged.values()].sort((a, b) => placeOf(a.target) - placeOf(b.target))
    rows.set(label, { label, lines: inOrder })
  }
  return [...rows.values()]
}

/** As the benchmark takes them; others come last. */
const TARGETS = ['flotilla', 'plain', 'socket.io', 'nats', 'mosquitto']

function placeOf(target: string): number {
  const place = TARGETS.indexOf(target)
  return place < 0 ? TARGETS.length : place
}

/** The first and the last moment at which a run began that is in here. */
export function datesOf({ date, sections }: Run): { from: string; to: string } {
  const dates = sections
    .flatMap(({ rows }) => rows.flatMap(({ lines }) => lines.map((line: DatedLine) => line.at ?? date)))
    .sort()
  return { from: dates[0] ?? date, to: dates.at(-1) ?? date }
}

/** Looks a figure up: by the beginning of the row's label, the server, and the column's key. */
export class Figures {
  readonly #rows: readonly Row[]

  constructor({ sections }: Pick<Run, 'sections'>) {
    this.#rows = sections.flatMap(({ rows }) => rows)
  }

  get(label: string, target: string, key: string): number | undefined {
    const row = this.#rows.find((one) => one.label.startsWith(label))
    return row?.lines.find((line) => line.target === target)?.values[key]
  }

  get rows(): readonly Row[] {
    return this.#rows
  }
}
