import type { ErrorCode } from './errors.ts'
import type { EntryType, LogId, RoomId, RoomView, Seq, User, UserId } from './frames.ts'

/**
 * What servers say to each other about a room: an edge (which has followers of the room) and the room's home. A message
 * is a small JSON head and, for entries, their lines as bytes: what the home encoded is passed on untouched. Any of
 * them may be lost, doubled or late: cursors, versions and request numbers repair it.
 */

/** A send on its way from an edge to the home. */
export interface CarriedSend {
  id: string
  user: User
  type: EntryType
  text?: string
  replyTo?: Seq
  target?: Seq
  emoji?: string
  on?: boolean
  after?: string
}

/** A public room to which nothing has happened: anybody may enter, and what it is to him needs no asking. */
export interface PlainRoom {
  view: RoomView
  owner?: UserId
}

export type EdgeMessage =
  /** Make me a follower of the room from `cursor` (absent: I have nothing), or move my cursor there. */
  | { t: 'follow'; room: RoomId; epoch: number; cursor?: Seq; log?: LogId }
  | { t: 'unfollow'; room: RoomId }
  | { t: 'send'; room: RoomId; req: number; send: CarriedSend }
  /** `user`: who wants to read; absent: the edge itself. */
  | { t: 'read'; room: RoomId; req: number; after?: Seq; before?: Seq; limit: number; user?: UserId }
  /** May he be told what is said in the room? */
  | { t: 'enter'; room: RoomId; req: number; user: User }
  /** The version my last `people` had, per room: finds one that got lost. */
  | { t: 'people-at'; rooms: [room: RoomId, v: number][] }
  /** My people in the room: all of them (`full`), or what changed from version `v - 1` to `v`. */
  | { t: 'people'; room: RoomId; v: number; full: boolean; join: User[]; leave: string[] }
  | { t: 'typing'; room: RoomId; user: User }

/** Who is home of a room next, and in which epoch. */
export interface Successor {
  id: string
  epoch: number
}

/** Between two homes of a room. */
export type MoveMessage =
  /**
   * The balancer has named you home in this epoch: take the room, I leave. `people`: a page of those in it, and how many,
   * to be shown until its edges have said who is there.
   */
  | { t: 'take'; room: RoomId; epoch: number; people?: { join: User[]; count: number } }
  /** I am the room's home in this epoch, and you were before. */
  | { t: 'taken'; room: RoomId; epoch: number }

export type HomeMessage =
  /** Nothing below this seq is told any more: it was kept for long enough. */
  | { t: 'floor'; room: RoomId; floor: Seq }
  /** You follow now; entries come after your cursor. `head` is the log's last seq. Without `plain`, who wants to enter is asked for. */
  | { t: 'following'; room: RoomId; epoch: number; log: LogId; head: Seq; plain?: PlainRoom; floor?: Seq }
  /** I am not the room's home; `to` is, as far as I know, else ask the balancer. */
  | { t: 'not-home'; room: RoomId; to?: Successor }
  /** Entries `from` … `to` follow as lines. */
  | { t: 'entries'; room: RoomId; epoch: number; log: LogId; from: Seq; to: Seq }
  /** Where the rooms stand that you follow here, and the version of their last `members`: finds a lost tail of either. */
  | { t: 'heads'; rooms: [room: RoomId, epoch: number, head: Seq, v: number][] }
  | { t: 'sent'; room: RoomId; req: number; seq: Seq; ts: number }
  | { t: 'refused'; room: RoomId; req: number; code: ErrorCode; message?: string; retryMs?: number }
  /** He may, by all that stands in the log up to `at`. */
  | { t: 'entered'; room: RoomId; req: number; at: Seq; view: RoomView }
  /** The room was deleted, for good. */
  | { t: 'erased'; room: RoomId }
  /** The entries asked for follow as lines, ascending. */
  | { t: 'page'; room: RoomId; req: number; done: boolean }
  /**
   * The room's people: a page of them and how many (`full`), or what changed from `v - 1` to `v`. `settled` is false while
   * the home has not yet heard of every edge: then nobody is gone only because he is not named.
   */
  | {
      t: 'members'
      room: RoomId
      v: number
      full: boolean
      settled: boolean
      join: User[]
      leave: User[]
      count: number
    }
  /** Send me all of your people: I missed a change. */
  | { t: 'people?'; room: RoomId }
  | { t: 'typed'; room: RoomId; user: User }

export type LinkMessage = EdgeMessage | HomeMessage | MoveMessage

const ROOMLESS = new Set(['heads', 'people-at'])
const KNOWN = new Set<string>([
  'follow',
  'unfollow',
  'send',
  'read',
  'enter',
  'people',
  'people-at',
  'typing',
  'take',
  'taken',
  'following',
  'not-home',
  'entries',
  'heads',
  'sent',
  'refused',
  'entered',
  'erased',
  'floor',
  'page',
  'members',
  'people?',
  'typed',
])

/** The head of a message from another server of the fleet, or undefined if it is none this version knows. */
export function parseLinkMessage(text: string): LinkMessage | undefined {
  try {
    const head = JSON.parse(text) as { t?: unknown; room?: unknown }
    if (typeof head !== 'object' || head === null || typeof head.t !== 'string' || !KNOWN.has(head.t)) {
      return undefined
    }
    if (!ROOMLESS.has(head.t) && typeof head.room !== 'string') return undefined
    return head as LinkMessage
  } catch {
    return undefined
  }
}
