import type {
  DeleteEntry,
  EditEntry,
  Entry,
  ReactEntry,
  Seq,
  SystemEntry,
  User,
  UserId,
} from '@flotilla/protocol/frames.ts'
import { NO_REACTIONS, reacted, type Reaction } from './reactions.ts'

/**
 * What a room's log looks like to a reader: entries in, messages out. The messages always cover the log without a
 * hole from `from` to `to`: live entries are added at the end, pages of history at the start. An edit, a deletion or a
 * reaction changes the message it names; all of them are kept, for messages that lie in a page not loaded yet, and for
 * those that were forgotten and come back.
 * Everything here is pure; each function answers a new timeline, or the same one if nothing changed.
 */
export interface Timeline {
  readonly messages: readonly TimelineMessage[]
  /** What was done to the room, in order. */
  readonly notes: readonly SystemEntry[]
  /** What was done to messages, in order. */
  readonly changes: readonly ChangeEntry[]
  /** What people are called by now who changed their name, or have none any more. */
  readonly names: ReadonlyMap<UserId, string>
  /** First and last seq covered; an empty timeline has from = to + 1. */
  readonly from: Seq
  readonly to: Seq
  /** The beginning of the log is loaded. */
  readonly complete: boolean
}

export interface TimelineMessage {
  readonly seq: Seq
  readonly id: string
  readonly user: User
  readonly text: string
  readonly ts: number
  readonly replyTo?: Seq
  readonly state: 'said' | 'edited' | 'deleted'
  /** The same array until one of them changes. */
  readonly reactions: readonly Reaction[]
}

type ChangeEntry = EditEntry | DeleteEntry | ReactEntry

/** Changes, and as many notes, that `trim` leaves: where nobody says anything, messages are no bound. */
export const MOST_CHANGES = 20_000

export const EMPTY: Timeline = {
  messages: [],
  notes: [],
  changes: [],
  names: new Map(),
  from: 1,
  to: 0,
  complete: false,
}

/** Adds entries at the end. Those already covered are ignored; after a hole the timeline begins anew there. */
export function append(timeline: Timeline, entries: readonly Entry[]): Timeline {
  const isFresh = timeline.to < timeline.from
  const news = isFresh ? entries : entries.filter((entry) => entry.seq > timeline.to)
  const first = news[0]
  const last = news.at(-1)
  if (!first || !last) return timeline
  const base = isFresh || first.seq !== timeline.to + 1 ? { ...EMPTY, from: first.seq } : timeline

  const said = news.filter((entry) => entry.type === 'message').map(messageOf)
  const notes = news.filter((entry) => entry.type === 'system')
  const changes = news.filter(isChange)
  const names = namesAfter(base.names, notes)
  const before =
    names === base.names ? base.messages : base.messages.map((message) => renamed(message, names))
  const messages = [...before, ...said.map((message) => renamed(message, names))]
  change(messages, changes, names)
  return {
    messages,
    notes: notes.length === 0 ? base.notes : [...base.notes, ...notes],
    changes: changes.length === 0 ? base.changes : [...base.changes, ...changes],
    names,
    from: base.from,
    to: last.seq,
    complete: base.complete || base.from === 1,
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
  const messages = page.messages.map((message) => renamed(message, names))
  change(messages, timeline.changes, names)
  return {
    messages: [...messages, ...timeline.messages],
    notes: [...page.notes, ...timeline.notes],
    changes: [...page.changes, ...timeline.changes],
    names,
    from: first.seq,
    to: timeline.to,
    complete: done || first.seq === 1,
  }
}

/** Forgets the oldest so that at most `keep` messages stay; they come back as pages of history. */
export function trim(timeline: Timeline, keep: number): Timeline {
  const { messages, notes } = timeline
  const changes = timeline.changes.length > MOST_CHANGES ? lastWords(timeline.changes) : timeline.changes
  const from = Math.max(
    timeline.from,
    seqOfLast(messages, keep),
    seqOfLast(notes, MOST_CHANGES),
    seqOfLast(changes, MOST_CHANGES),
  )
  if (from === timeline.from) return changes === timeline.changes ? timeline : { ...timeline, changes }
  const isKept = ({ seq }: { seq: Seq }) => seq >= from
  return {
    ...timeline,
    messages: messages.filter(isKept),
    notes: notes.filter(isKept),
    changes: changes.filter(isKept),
    from,
    complete: false,
  }
}

/** Whether there is enough to forget that it is worth the while: a quarter more than `trim` would leave. */
export function isLong({ messages, notes, changes }: Timeline, keep: number): boolean {
  return messages.length > keep * 1.25 || Math.max(notes.length, changes.length) > MOST_CHANGES * 1.25
}

/** Where the message is. They are ordered by seq, though not every seq is a message: a binary search. */
export function indexOf(messages: readonly TimelineMessage[], seq: Seq): number | undefined {
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

/** Where the last `count` begin; 0 if there are no more. */
function seqOfLast(entries: readonly { seq: Seq }[], count: number): Seq {
  return entries.length > count ? (entries.at(-count)?.seq ?? 0) : 0
}

function messageOf(entry: Entry & { type: 'message' }): TimelineMessage {
  const { seq, id, user, text, ts, replyTo } = entry
  const message = { seq, id, user, text, ts, state: 'said', reactions: NO_REACTIONS } as const
  return replyTo === undefined ? message : { ...message, replyTo }
}

function isChange(entry: Entry): entry is ChangeEntry {
  return entry.type === 'edit' || entry.type === 'delete' || entry.type === 'react'
}

/** Does to the messages, in place, what was done to them; to those that are not among them, nothing. */
function change(
  messages: TimelineMessage[],
  changes: readonly ChangeEntry[],
  names: ReadonlyMap<UserId, string>,
): void {
  for (const entry of changes) {
    const at = indexOf(messages, entry.target)
    const target = at === undefined ? undefined : messages[at]
    if (at !== undefined && target !== undefined) messages[at] = changed(target, entry, names)
  }
}

function changed(
  message: TimelineMessage,
  entry: ChangeEntry,
  names: ReadonlyMap<UserId, string>,
): TimelineMessage {
  if (message.state === 'deleted') return message
  switch (entry.type) {
    case 'delete':
      return { ...message, text: '', state: 'deleted', reactions: NO_REACTIONS }
    case 'edit':
      return { ...message, text: entry.text, state: 'edited' }
    case 'react': {
      const reactions = reacted(message.reactions, calledNow(entry.user, names), entry.emoji, entry.on)
      return reactions === message.reactions ? message : { ...message, reactions }
    }
  }
}

/** Without what was said anew, or taken back, by the same person about the same message. */
function lastWords(changes: readonly ChangeEntry[]): readonly ChangeEntry[] {
  const deleted = new Set(changes.filter(({ type }) => type === 'delete').map(({ target }) => target))
  const last = new Map(changes.map((entry) => [topicOf(entry), entry]))
  return changes.filter(
    (entry) => last.get(topicOf(entry)) === entry && (entry.type === 'delete' || !deleted.has(entry.target)),
  )
}

function topicOf(entry: ChangeEntry): string {
  const { type, target } = entry
  return type === 'react' ? `${target} ${entry.emoji} ${entry.user.id}` : `${target} ${type}`
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
  const user = calledNow(message.user, names)
  const reactions = message.reactions.map((reaction) => {
    const users = reaction.users.map((one) => calledNow(one, names))
    return users.every((one, index) => one === reaction.users[index]) ? reaction : { ...reaction, users }
  })
  const isSame = reactions.every((reaction, index) => reaction === message.reactions[index])
  if (user === message.user && isSame) return message
  return { ...message, user, reactions: isSame ? message.reactions : reactions }
}

function calledNow(user: User, names: ReadonlyMap<UserId, string>): User {
  const name = names.get(user.id)
  return name === undefined || name === user.name ? user : { ...user, name }
}
