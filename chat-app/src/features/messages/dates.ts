/** Times as the reader's own locale and time zone write them. */
const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })
const short = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const long = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'short' })
const dayOfYear = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const dayOfAnyYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' })

export function timeOfDay(ts: number): string {
  return time.format(ts)
}

/** As short as it gets, for where the half of the day is plain from the lines around. */
export function clockTime(ts: number): string {
  return time
    .formatToParts(ts)
    .filter(({ type }) => type === 'hour' || type === 'minute')
    .map(({ value }) => value)
    .join(':')
}

export function dateAndTime(ts: number): string {
  return full.format(ts)
}

/** For a line of its own: to the minute, without the day of the week. */
export function longMoment(ts: number): string {
  return long.format(ts)
}

/** The time of today, the date of any other day. `now` in ms since 1970. */
export function shortMoment(ts: number, now: number): string {
  return startOfDay(ts, 0) === startOfDay(now, 0) ? timeOfDay(ts) : short.format(ts)
}

/** "Today", "Yesterday", then the date; the year only where it is another one. `now` in ms since 1970. */
export function dayName(ts: number, now: number): string {
  const day = startOfDay(ts, 0)
  if (day === startOfDay(now, 0)) return 'Today'
  if (day === startOfDay(now, -1)) return 'Yesterday'
  const isThisYear = new Date(ts).getFullYear() === new Date(now).getFullYear()
  return (isThisYear ? dayOfYear : dayOfAnyYear).format(ts)
}

/** The midnight before `ts`, or some days from there. Counted by the calendar: a day can have 23 or 25 hours. */
export function startOfDay(ts: number, plusDays: number): number {
  const date = new Date(ts)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + plusDays).getTime()
}
