// What keeps the program from becoming slower without anybody noticing: its figures as parts of the plain server's of the same
// run. Machines differ by far more than their ratio does; the bounds are so wide that noise alone does not reach them.
import { formatTable } from '../fleet/table.ts'

export interface Bound {
  key: string
  says: string
  digits: number
  /** flotilla / plain may be no more than that. */
  atMost: number
}

/** Figures by key of the bounds; undefined: could not be measured. */
export type Figures = Readonly<Record<string, number | undefined>>

export interface Judged {
  table: string[]
  /** What is beyond its bound. */
  beyond: string[]
  /** What could not be compared. */
  unknown: string[]
}

export function judge(bounds: readonly Bound[], flotilla: Figures, plain: Figures): Judged {
  const cells = [['', 'flotilla', 'plain', 'flotilla/plain', 'at most', '']]
  const beyond: string[] = []
  const unknown: string[] = []
  for (const { key, says, digits, atMost } of bounds) {
    const [ours, theirs] = [flotilla[key], plain[key]]
    const ratio = ours === undefined || theirs === undefined ? NaN : ours / theirs
    const isKnown = Number.isFinite(ratio) && ratio > 0
    if (!isKnown) unknown.push(says)
    else if (ratio > atMost) beyond.push(says)
    cells.push([
      says,
      ours?.toFixed(digits) ?? '-',
      theirs?.toFixed(digits) ?? '-',
      isKnown ? ratio.toFixed(2) : '-',
      atMost.toFixed(2),
      isKnown ? (ratio > atMost ? 'BEYOND' : 'ok') : 'not known',
    ])
  }
  return { table: formatTable(cells), beyond, unknown }
}

/**
 * What is beyond its bound in each of the tries: a disturbance that lasts for one of them is no regression. Of a machine on which others
 * were busy in every try nothing can be said.
 */
export function verdict(tries: readonly { beyond: readonly string[]; isBusy: boolean }[]): {
  beyond: string[]
  isBusy: boolean
} {
  const [first, ...others] = tries
  const beyond = (first?.beyond ?? []).filter((says) => others.every((other) => other.beyond.includes(says)))
  return { beyond, isBusy: beyond.length > 0 && tries.some(({ isBusy }) => isBusy) }
}
