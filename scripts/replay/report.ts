import type { ChatLog } from './log-file.ts'
import type { Member } from './member.ts'
import type { Stage } from './stage.ts'

const MAX_DIFFERENCES = 20

/** What was read, in a line. */
export function describeLog({ lines, skipped, actions, notUtf8 }: ChatLog, mappedNicks: number): string {
  const nicks = new Set(lines.map(({ nick }) => nick)).size
  const extras = [
    [actions, 'actions'],
    [notUtf8, 'not UTF-8'],
    [mappedNicks, 'nicks renamed to fit'],
  ] as const
  const left = [
    [skipped.service, `service lines (${skipped.renames} renames)`],
    [skipped.blank, 'blank'],
    [skipped.tooLong, 'too long'],
    [skipped.unknown, 'of unknown form'],
  ] as const
  const list = (counts: readonly (readonly [number, string])[]) =>
    counts.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : [])).join(', ')
  const extra = list(extras)
  const skippedText = list(left)
  return `${lines.length} lines by ${nicks} nicks${extra && ` (${extra})`}${skippedText && `; left out: ${skippedText}`}`
}

/** The figures of a run. `seconds` = from the first line sent until everybody had seen the last. */
export function describeRun(stage: Stage, seconds: number, serversAtStart: string): string[] {
  const { deliveries, ackLatency, crossLatency } = stage
  return [
    `${ackLatency.count} acks and ${deliveries} deliveries in ${seconds.toFixed(2)} s: ${perSecond(ackLatency.count, seconds)} lines/s, ${perSecond(deliveries, seconds)} deliveries/s`,
    `send to ack: ${ackLatency.describe()}`,
    `send to another server's client: ${crossLatency.describe()} (all clients share this one process)`,
    `clients per server: ${serversAtStart}`,
  ]
}

/** `a1b2…: 14, c3d4…: 15`. */
export function countPerServer(members: readonly Member[]): string {
  const counts = new Map<string, number>()
  for (const { server = 'none' } of members) counts.set(server, (counts.get(server) ?? 0) + 1)
  return [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([server, count]) => `${server} ${count}`)
    .join(', ')
}

export function describeVerdict(differences: readonly string[], what: string): string[] {
  if (differences.length === 0) return [`Verified: ${what}`]
  const more = differences.length - MAX_DIFFERENCES
  return [
    `FAILED: ${differences.length} differences. The first: ${differences[0]}`,
    ...differences.slice(1, MAX_DIFFERENCES).map((difference) => `  ${difference}`),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ]
}

function perSecond(count: number, seconds: number): string {
  return Math.round(count / Math.max(seconds, 0.001)).toLocaleString('en')
}
