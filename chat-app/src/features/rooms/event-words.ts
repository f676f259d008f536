import type { SystemEntry, User } from '@flotilla/protocol/frames.ts'

/** What is told of a `system` entry: who did what to whom. Of one this version does not know, nothing. */
export function eventWords({
  event,
  data,
  user,
}: Pick<SystemEntry, 'event' | 'data' | 'user'>): string | undefined {
  const given = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {}
  const whom = nameIn(given['user'])
  const why = typeof given['reason'] === 'string' && given['reason'] !== '' ? `: ${given['reason']}` : ''
  const who = user.name
  switch (event) {
    case 'join':
      return given['via'] === 'link' ? `${who} joined by a link` : `${who} joined`
    case 'leave':
      return `${who} left`
    case 'invite':
      return `${who} invited ${whom}`
    case 'uninvite':
      return `${who} took back the invitation of ${whom}`
    case 'remove':
      return `${who} removed ${whom}${why}`
    case 'ban':
      return `${who} banned ${whom}${untilWords(given['until'])}${why}`
    case 'unban':
      return `${who} lifted the ban of ${whom}`
    case 'mute':
      return `${who} muted ${whom}${untilWords(given['until'])}${why}`
    case 'unmute':
      return `${who} let ${whom} speak again`
    case 'role':
      return given['role'] === 'moderator'
        ? `${who} made ${whom} a moderator`
        : `${whom} is no moderator any more, says ${who}`
    case 'owner':
      return `${who} handed the room to ${whom}`
    case 'rename':
      return `${who} named the room ${text(given['name'])}`
    case 'topic':
      return text(given['topic']) === ''
        ? `${who} took the topic away`
        : `${who} set the topic: ${text(given['topic'])}`
    case 'slow':
      return Number(given['everyMs']) > 0
        ? `${who} slowed the room down: one message each ${durationWords(Number(given['everyMs']))}`
        : `${who} ended slow mode`
    case 'archive':
      return `${who} archived the room`
    case 'unarchive':
      return `${who} opened the room again`
    case 'link':
      return `${who} made a link to come in by`
    case 'unlink':
      return `${who} ended a link`
    case 'retention':
      return typeof given['days'] === 'number'
        ? `${who} has messages kept for ${durationWords(given['days'] * DAY_MS)}`
        : `${who} has messages kept for ever`
    case 'name':
      return `${who} has a new name`
    case 'gone':
      return 'Somebody deleted the account'
    case 'block':
      return `${who} wants no more messages here`
    case 'unblock':
      return `${who} takes messages here again`
    default:
      return undefined
  }
}

const DAY_MS = 24 * 3_600_000
const UNITS: readonly (readonly [number, string])[] = [
  [365 * DAY_MS, 'year'],
  [DAY_MS, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
]

/** The largest unit that it is a whole number of. */
export function durationWords(ms: number): string {
  const [size, unit] = UNITS.find(([each]) => ms >= each && ms % each === 0) ?? [1_000, 'second']
  const count = Math.round(ms / size)
  return count === 1 ? unit : `${count} ${unit}s`
}

const when = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
function untilWords(until: unknown): string {
  return typeof until === 'number' ? ` until ${when.format(until)}` : ''
}

const text = (value: unknown) => (typeof value === 'string' ? value : '')
function nameIn(value: unknown): string {
  return typeof value === 'object' && value !== null ? text((value as Partial<User>).name) : ''
}
