// The figures of a run: as tables for people, as JSON for programs.
import { formatTable } from '../fleet/table.ts'

export interface Column {
  /** Name in JSON. */
  key: string
  head: string
  digits: number
  /** Whether the ratios of the others to Flotilla are printed. Above 1 Flotilla is better in times and sizes, below 1 in rates. */
  isCompared: boolean
}

/** One measured server in one row. */
export interface Line {
  target: string
  /** By key of the column; undefined: not measured. */
  values: Readonly<Record<string, number | undefined>>
  /** What has to be known to read the figures: saturated, something missing, the load generator near its limit. */
  notes: readonly string[]
}

export interface Row {
  label: string
  lines: readonly Line[]
}

export interface Section {
  title: string
  columns: readonly Column[]
  rows: readonly Row[]
}

/** The section as text; every row with several targets is followed by the ratio of each other one to Flotilla. */
export function describeSection({ title, columns, rows }: Section): string[] {
  const cells: string[][] = [['', '', ...columns.map(({ head }) => head)]]
  for (const row of rows) {
    row.lines.forEach(({ target, values, notes }, i) => {
      cells.push([
        i === 0 ? row.label : '',
        target,
        ...columns.map(({ key, digits }) => show(values[key], digits)),
        notes.join('; '),
      ])
    })
    for (const { target } of row.lines) {
      const ratios = compare(row, columns, target)
      if (ratios) cells.push(['', `${target}/flotilla`, ...ratios.map((ratio) => show(ratio, 2))])
    }
  }
  return [title, ...formatTable(cells).map((line) => `  ${line}`)]
}

/** `peer` / flotilla by column; undefined where the row has not both, or they are the same. */
export function compare(
  row: Row,
  columns: readonly Column[],
  peer = 'plain',
): (number | undefined)[] | undefined {
  const flotilla = row.lines.find(({ target }) => target === 'flotilla')
  const other = row.lines.find(({ target }) => target === peer)
  if (!flotilla || !other || flotilla === other) return undefined
  return columns.map(({ key, isCompared }) => {
    const [over, under] = [other.values[key], flotilla.values[key]]
    return isCompared && over !== undefined && under ? over / under : undefined
  })
}

/** What `--json` writes. */
export function asJson(head: object, sections: readonly Section[]): string {
  return `${JSON.stringify({ ...head, sections }, null, 2)}\n`
}

function show(value: number | undefined, digits: number): string {
  if (value === undefined || !Number.isFinite(value)) return '-'
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
