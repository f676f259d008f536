import type { ErrorCode } from '@flotilla/protocol/errors.ts'
import type { Seq, User } from '@flotilla/protocol/frames.ts'
import { eventWords } from '../rooms/event-words.ts'
import type { Timeline, TimelineMessage } from './timeline.ts'

/** A send of one's own that is not an entry yet; `sent`: acked, its entry is on the way. */
export interface OwnSend {
  readonly id: string
  readonly text: string
  readonly at: number
  readonly state: 'sending' | 'sent' | 'failed'
  readonly code?: ErrorCode
}

/** One line of the list. A key stays the same from the send to the entry, so that nothing is drawn anew on the ack. */
export type Row =
  | { readonly kind: 'beginning'; readonly key: string }
  | { readonly kind: 'day'; readonly key: string; readonly ts: number }
  | { readonly kind: 'unread'; readonly key: string }
  /** What was done to the room. */
  | { readonly kind: 'note'; readonly key: string; readonly ts: number; readonly words: string }
  | {
      readonly kind: 'message'
      readonly key: string
      readonly message: TimelineMessage
      readonly opens: boolean
    }
  | { readonly kind: 'own'; readonly key: string; readonly send: OwnSend; readonly opens: boolean }

/** After a note the next message opens a group of its own. */
const NOBODY: User = { id: '', name: '' }
/** Messages of one person within this time stand under one name. */
const GROUP_MS = 5 * 60_000

/**
 * The lines a reader sees, top to bottom. `me` wrote the `own` ones; `unreadAfter` = the last seq read before the
 * reader went away, where the "new" line is drawn if others wrote since. Days are those of the reader's time zone.
 */
export function toRows(
  timeline: Timeline,
  own: readonly OwnSend[],
  me: User,
  unreadAfter: Seq | undefined,
): readonly Row[] {
  const rows: Row[] = []
  if (timeline.complete) rows.push({ kind: 'beginning', key: 'beginning' })
  let previous: { user: User; ts: number } | undefined
  let lineIsDue = unreadAfter !== undefined

  let notesToCome = 0
  const notesBefore = (seq: Seq) => {
    for (;;) {
      const note = timeline.notes[notesToCome]
      if (note === undefined || note.seq > seq) return
      notesToCome += 1
      const words = eventWords(note)
      if (words === undefined) continue
      if (!previous || !isSameDay(previous.ts, note.ts)) {
        rows.push({ kind: 'day', key: `day:${dayOf(note.ts)}`, ts: note.ts })
      }
      rows.push({ kind: 'note', key: `note:${note.seq}`, ts: note.ts, words })
      previous = { user: NOBODY, ts: note.ts }
    }
  }

  for (const message of timeline.messages) {
    notesBefore(message.seq)
    const turnsDay = !previous || !isSameDay(previous.ts, message.ts)
    if (turnsDay) rows.push({ kind: 'day', key: `day:${dayOf(message.ts)}`, ts: message.ts })
    const drawsLine = lineIsDue && message.seq > (unreadAfter ?? 0) && message.user.id !== me.id
    if (drawsLine) {
      rows.push({ kind: 'unread', key: 'unread' })
      lineIsDue = false
    }
    const opens = turnsDay || drawsLine || !continues(previous, message.user, message.ts)
    rows.push({ kind: 'message', key: keyOf(message.user, message.id), message, opens })
    previous = message
  }
  notesBefore(Infinity)
  for (const send of own) {
    const turnsDay = !previous || !isSameDay(previous.ts, send.at)
    if (turnsDay) rows.push({ kind: 'day', key: `day:${dayOf(send.at)}`, ts: send.at })
    const opens = turnsDay || !continues(previous, me, send.at)
    rows.push({ kind: 'own', key: keyOf(me, send.id), send, opens })
    previous = { user: me, ts: send.at }
  }
  return rows
}

/** Whether lines were added or taken away before the first one both have: the list then holds on to its end. */
export function startChanged(before: readonly Row[], after: readonly Row[]): boolean {
  const first = before.find((row) => row.kind === 'message' || row.kind === 'own' || row.kind === 'note')
  if (!first) return false
  return before.indexOf(first) !== after.findIndex((row) => row.key === first.key)
}

function continues(previous: { user: User; ts: number } | undefined, user: User, ts: number): boolean {
  return previous?.user.id === user.id && ts - previous.ts < GROUP_MS
}

/** A send's id is its sender's own, unique per sender and room. */
function keyOf(user: User, id: string): string {
  return `${user.id} ${id}`
}

function isSameDay(one: number, other: number): boolean {
  return dayOf(one) === dayOf(other)
}

function dayOf(ts: number): string {
  const date = new Date(ts)
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`
}
