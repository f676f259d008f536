/** How long ago, as one would say it. */
export function agoWords(ms: number): string {
  const s = Math.floor(Math.max(0, ms) / 1_000)
  if (s < 2) return 'just now'
  if (s < 60) return `${s} s ago`
  if (s < 3_600) return `${Math.floor(s / 60)} min ago`
  return `${Math.floor(s / 3_600)} h ago`
}

/** A part of the whole in per cent; what is there is never "0". */
export function shareWords(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0%'
  const percent = (part / whole) * 100
  return percent < 1 ? '<1%' : `${Math.round(percent)}%`
}

const time = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit', second: '2-digit' })
/** The time of day to the second, as the clock on the wall shows it. */
export function clockWords(ts: number): string {
  return time
    .formatToParts(ts)
    .filter(({ type }) => type === 'hour' || type === 'minute' || type === 'second')
    .map(({ value }) => value)
    .join(':')
}

const number = new Intl.NumberFormat('en')
export const countWords = (count: number): string => number.format(count)
