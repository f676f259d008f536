import type { Entry, Seq, SystemEntry, User, UserId } from '@flotilla/protocol/frames.ts'

/**
 * What a room's log looks like to a reader: entries in, messages out. The messages always cover the log without a
 * hole from `from` to `to`: live entries are added at the end, pages of history at the start. An edit or deletion
 * changes the message it names; one whose target lies in a page not loaded yet waits in `waiting` for it.
 * Everything here is pure; each function answers a new timeline, or the same one if nothing changed.
 */
export interface Timeline {
  readonly messages: readonly TimelineMessage[]
  /** What was done to the room, in order. */
  readonly notes: readonly SystemEntry[]
  /** What people are called by now who changed their name, or have none any more. */
  readonly names: ReadonlyMap<UserId, string>
  /** First and last seq covered; an empty timeline has from = to + 1. */
  readonly from: Seq
  readonly to: Seq
  /** The beginning of the log is loaded. */
  readonly complete: boolean
  readonly waiting: ReadonlyMap<Seq, Change>
}

export interface TimelineMessage {
  readonly seq: Seq
  readonly id: string
  readonly user: User
  readonly text: string
  readonly ts: number
  readonly replyTo?: Seq
  readonly state: 'said' | 'edited' | 'deleted'
}

type Change = { text: string } | 'delete'

export const EMPTY: Timeline = {
  messages: [],
  notes: [],
  names: new Map(),
  from: 1,
  to: 0,
  complete: false,
  waiting: new Map(),
}

/** Adds entries at the end. Those already covered are ignored; after a hole the timeline begins anew there. */
export function append(timeline: Timeline, entries: readonly Entry[]): Timeline {
  const isFresh = timeline.to < timeline.from
  const news = isFresh ? entries : entries.filter((entry) => entry.seq > timeline.to)
  const first = news[0]
  const last = news.at(-1)
  if (!first || !last) return timeline
  const base = isFresh || first.seq !== timeline.to + 1 ? { ...EMPTY, from: first.seq } : timeline

  let messages = [...base.messages]
  const notes = news.filter((entry) => entry.type === 'system')
  const waiting = new Map(base.waiting)
  const names = namesAfter(base.names, notes)
  if (names !== base.names) messages = messages.map((message) => renamed(message, names))
  for (const entry of news) {
    if (entry.type === 'message') messages.push(renamed(said(entry), names))
    else if (entry.type === 'edit' || entry.type === 'delete') {
      const change = entry.type === 'edit' ? { text: entry.text } : 'delete'
      const at = indexOf(messages, entry.target)
      const target = at === undefined ? undefined : messages[at]
      if (at !== undefined && target) messages[at] = changed(target, change)
      else if (entry.target < base.from && waiting.get(entry.target) !== 'delete')
        waiting.set(entry.target, change)
    }
  }
  return {
    messages,
    notes: notes.length === 0 ? base.notes : [...base.notes, ...notes],
    names,
    from: base.from,
    to: last.seq,
    complete: base.complete || base.from === 1,
    waiting,
  }
}

/** Adds a page of history at the start. It must end right before `from`, else it is ignored: it is of another time. */
export function prepend(timeline: Timeline, entries: readonly Entry[], done: boolean): Timeline {
  const first = entries[0]
  const last = entries.at(-1)
  if (!first || !last) return done ? { ...timeline, complete: true } : timeline
  if (last.seq !== timeline.from - 1) return timeline
  const page = append(EMPTY, entries)
  const names = new Map([...page.names, ...timeline.names])
  const messages = page.messages.map((message) => {
    const change = timeline.waiting.get(message.seq)
    return renamed(change ? changed(message, change) : message, names)
  })
  // What the page left waiting is older than what the later entries say about the same message.
  const waiting = new Map([...page.waiting, ...timeline.waiting].filter(([target]) => target < first.seq))
  return {
    messages: [...messages, ...timeline.messages],
    notes: [...page.notes, ...timeline.notes],
    names,
    from: first.seq,
    to: timeline.to,
    complete: done || first.seq === 1,
    waiting,
  }
}

/** Forgets the oldest so that at most `keep` messages stay; they come back as pages of history. */
export function trim(timeline: Timeline, keep: number): Timeline {
  const messages = timeline.messages.slice(-keep)
  const first = messages[0]
  if (!first || messages.length === timeline.messages.length) return timeline
  const notes = timeline.notes.filter(({ seq }) => seq >= first.seq)
  return { ...timeline, messages, notes, from: first.seq, complete: false }
}

function said(entry: Entry & { type: 'message' }): TimelineMessage {
  const { seq, id, user, text, ts, replyTo } = entry
  return { seq, id, user, text, ts, state: 'said', ...(replyTo === undefined ? {} : { replyTo }) }
}

/** A new name, or that somebody has none any more, is said in the log; it holds for all that he said. */
function namesAfter(
  names: ReadonlyMap<UserId, string>,
  notes: readonly SystemEntry[],
): ReadonlyMap<UserId, string> {
  const changes = notes.filter(({ event }) => event === 'name' || event === 'gone')
  return changes.length === 0
    ? names
    : new Map([...names, ...changes.map(({ user }) => [user.id, user.name] as const)])
}

function renamed(message: TimelineMessage, names: ReadonlyMap<UserId, string>): TimelineMessage {
  const name = names.get(message.user.id)
  return name === undefined || name === message.user.name
    ? message
    : { ...message, user: { ...message.user, name } }
}

function changed(message: TimelineMessage, change: Change): TimelineMessage {
  if (message.state === 'deleted') return message
  return change === 'delete'
    ? { ...message, text: '', state: 'deleted' }
    : { ...message, text: change.text, state: 'edited' }
}

/** Messages are ordered by seq, though not every seq is a message: a binary search. */
function indexOf(messages: readonly TimelineMessage[], seq: Seq): number | undefined {
  let low = 0
  let high = messages.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const at = messages[middle]?.seq ?? Infinity
    if (at === seq) return middle
    if (at < seq) low = middle + 1
    else high = middle - 1
  }
  return undefined
}
