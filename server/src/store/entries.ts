import type { Entry, EntryType, RoomId, Seq } from '@flotilla/protocol/frames.ts'
import type { Draft } from './store.ts'

/** The fields of an entry that not every type has, besides its text. */
interface Rest {
  replyTo?: Seq
  target?: Seq
  emoji?: string
  on?: boolean
  event?: string
  data?: unknown
}

/**
 * Everything a draft says besides its text, as JSON in a fixed order; null if there is nothing. It is what stores keep, and
 * with type and text it is what two drafts of one id are compared by.
 */
export function restOf(draft: Rest): string | null {
  const { replyTo, target, emoji, on, event, data } = draft
  // Nearly every draft is a plain message: skip the encoder for it.
  if (
    replyTo === undefined &&
    target === undefined &&
    emoji === undefined &&
    on === undefined &&
    event === undefined &&
    data === undefined
  ) {
    return null
  }
  return JSON.stringify({ replyTo, target, emoji, on, event, data })
}

/** Puts an entry together again from what a store kept of it. */
export function entryOf(
  room: RoomId,
  seq: Seq,
  id: string,
  userId: string,
  userName: string,
  type: EntryType,
  ts: number,
  text: string | null,
  rest: string | null,
): Entry {
  return {
    type,
    room,
    seq,
    id,
    user: { id: userId, name: userName },
    ts,
    ...(text === null ? undefined : { text }),
    ...(rest === null ? undefined : (JSON.parse(rest) as Rest)),
    // Which fields a type has was settled when its draft was made.
  } as Entry
}

/** The entry a draft became: what a store would put together again, so that it has the same bytes. */
export function entryOfDraft(room: RoomId, draft: Draft, seq: Seq, ts: number): Entry {
  const { id, user, type, text = null } = draft
  return entryOf(room, seq, id, user.id, user.name, type, ts, text, restOf(draft))
}
