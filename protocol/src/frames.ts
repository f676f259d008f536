import * as z from 'zod/mini'
import { refuse, type ErrorCode, type Refusal } from './errors.ts'
import { LIMITS } from './limits.ts'

/**
 * The frames between a client and a chat server: their types, their validation, their encoding.
 * A WebSocket text frame holds one or more of them, one JSON object per line. `SPEC.md` has the rules.
 */

export type RoomId = string
export type UserId = string
/** Number of an entry in its room's log: 1, 2, 3 … without gap. */
export type Seq = number
/** Identity of a room's content: with another log, everything known of the room is void. */
export type LogId = string

const wellFormed = z.refine<string>((text) => text.isWellFormed(), 'holds a lone surrogate')
const seq = z.int().check(z.gte(0))
const ROOM_ID = /^[A-Za-z0-9_-]{1,64}$/
const room = z.string().check(z.regex(ROOM_ID))
const sendId = z.string().check(z.minLength(1), z.maxLength(LIMITS.idChars), wellFormed)
const ref = z.optional(z.union([z.string().check(z.maxLength(LIMITS.refChars), wellFormed), z.int()]))

/** Of what is sent about a message that stands in the log. */
const change = { ref, room, id: sendId, target: z.int().check(z.gte(1)), after: z.optional(sendId) }
/** One emoji, as Unicode lists them: of a text nobody would know how long it may get. */
const emoji = z.string().check(z.maxLength(LIMITS.emojiChars), z.regex(/^\p{RGI_Emoji}$/v))

export const RoomIdSchema = room
export const UserSchema = z.object({ id: z.string(), name: z.string() })

/** What a client may send; unknown fields are dropped. */
export const CLIENT_FRAMES = {
  join: z.object({
    type: z.literal('join'),
    ref,
    room,
    since: z.optional(seq),
    log: z.optional(z.string().check(z.maxLength(64))),
  }),
  leave: z.object({ type: z.literal('leave'), ref, room }),
  send: z.object({
    type: z.literal('send'),
    ref,
    room,
    id: sendId,
    text: z.string().check(wellFormed),
    after: z.optional(sendId),
    replyTo: z.optional(z.int().check(z.gte(1))),
  }),
  edit: z.object({ type: z.literal('edit'), ...change, text: z.string().check(wellFormed) }),
  delete: z.object({ type: z.literal('delete'), ...change }),
  react: z.object({ type: z.literal('react'), ...change, emoji, on: z.boolean() }),
  history: z.object({
    type: z.literal('history'),
    ref,
    room,
    before: z.optional(seq),
    after: z.optional(seq),
    // Not `z.int()`, which ends at 2^53: whatever is above the limit counts as the limit [H2].
    limit: z.optional(z.number().check(z.gte(1), z.refine(Number.isInteger))),
  }),
  typing: z.object({ type: z.literal('typing'), ref, room }),
  ping: z.object({ type: z.literal('ping'), ref }),
} as const

export type Join = z.infer<typeof CLIENT_FRAMES.join>
export type Leave = z.infer<typeof CLIENT_FRAMES.leave>
export type Send = z.infer<typeof CLIENT_FRAMES.send>
export type Edit = z.infer<typeof CLIENT_FRAMES.edit>
export type Delete = z.infer<typeof CLIENT_FRAMES.delete>
export type React = z.infer<typeof CLIENT_FRAMES.react>
export type HistoryRequest = z.infer<typeof CLIENT_FRAMES.history>
export type Typing = z.infer<typeof CLIENT_FRAMES.typing>
export type Ping = z.infer<typeof CLIENT_FRAMES.ping>
export type ClientFrame = Join | Leave | Send | Edit | Delete | React | HistoryRequest | Typing | Ping
export type Ref = string | number

export interface User {
  id: UserId
  /** What screens show; the id says whether it is a guest (`guest:…`) or an account (`user:…`). */
  name: string
}

/** One item of a room's log. */
export type Entry = MessageEntry | EditEntry | DeleteEntry | ReactEntry | SystemEntry
interface EntryBase {
  room: RoomId
  seq: Seq
  /** The sender's own id of this send. */
  id: string
  user: User
  /** Milliseconds since 1970, by the home's clock; never falls within a room. */
  ts: number
}
export interface MessageEntry extends EntryBase {
  type: 'message'
  text: string
  replyTo?: Seq
}
export interface EditEntry extends EntryBase {
  type: 'edit'
  target: Seq
  text: string
}
export interface DeleteEntry extends EntryBase {
  type: 'delete'
  target: Seq
}
export interface ReactEntry extends EntryBase {
  type: 'react'
  target: Seq
  emoji: string
  on: boolean
}
export interface SystemEntry extends EntryBase {
  type: 'system'
  event: string
  data?: unknown
}

export const ENTRY_TYPES = ['message', 'edit', 'delete', 'react', 'system'] as const
export type EntryType = (typeof ENTRY_TYPES)[number]

export interface Welcome {
  type: 'welcome'
  server: string
  session: string
  user: User
  heartbeatMs: number
  limits: WelcomeLimits
  /** WebSocket URLs of other servers that are up. */
  alternatives: string[]
}
export interface WelcomeLimits {
  textChars: number
  frameBytes: number
  historyEntries: number
  unackedSends: number
  /** Sends per `rateMs` and sender; 0 = no limit. */
  rate: number
  rateMs: number
}
/** What a room is, to the one who asks. */
export interface RoomView {
  /** Absent: nobody gave it any. */
  name?: string
  topic?: string
  visibility: 'public' | 'private' | 'direct'
  /** What the asker is in it; absent: no member. */
  role?: 'owner' | 'moderator' | 'member'
  archived?: boolean
  /** Least time between two messages of one person; absent = any. */
  slowMs?: number
  /** The asker may say nothing until then, in ms since 1970. */
  mutedUntil?: number
}
export interface Joined extends RoomView {
  type: 'joined'
  ref?: Ref
  room: RoomId
  log: LogId
  /** Seq of the last entry in the log; 0 = empty. */
  head: Seq
  /** Seq of the first entry that will be streamed; head + 1 if none. */
  first: Seq
  /** People online, each once, the asker included; a page of them in rooms above `presenceNames`. */
  members: User[]
  count: number
}
/** Why somebody is in a room no more who did not ask for it; `left`: he left it on another connection, as a member. */
export type LeftReason = 'removed' | 'banned' | 'deleted' | 'left'
export interface Left {
  type: 'left'
  ref?: Ref
  room: RoomId
  /** Unasked: nothing more of the room comes. */
  reason?: LeftReason
}
export interface Ack {
  type: 'ack'
  ref?: Ref
  room: RoomId
  id: string
  seq: Seq
  ts: number
}
export interface History {
  type: 'history'
  ref?: Ref
  room: RoomId
  entries: Entry[]
  /** Nothing further in the direction asked for. */
  done: boolean
}
export interface Head {
  type: 'head'
  room: RoomId
  seq: Seq
}
export interface PresenceChange {
  type: 'presence'
  room: RoomId
  join: User[]
  leave: User[]
  count: number
}
export interface TypingNotice {
  type: 'typing'
  room: RoomId
  user: User
}
export interface Move {
  type: 'move'
  inMs: number
  reason: string
}
export interface Reset {
  type: 'reset'
  room: RoomId
  log: LogId
}
export interface Pong {
  type: 'pong'
  ref?: Ref
}
export interface ErrorFrame {
  type: 'error'
  code: ErrorCode
  message: string
  ref?: Ref
  room?: RoomId
  id?: string
  retryMs?: number
}
export type ServerFrame =
  | Welcome
  | Joined
  | Left
  | Ack
  | History
  | Head
  | PresenceChange
  | TypingNotice
  | Move
  | Reset
  | Pong
  | ErrorFrame
  | Entry

/** A refused line, with what of it could be read, so that the answer names its request. */
export interface BadFrame extends Refusal {
  ref?: Ref
  room?: RoomId
  id?: string
}

/**
 * Reads one line from a client. Never throws: whatever is wrong comes back as a refusal with its code. `textChars`: the longest
 * text that is taken.
 */
export function parseClientFrame(
  line: string,
  textChars: number = LIMITS.textChars,
): { ok: true; value: ClientFrame } | BadFrame {
  let data: unknown
  try {
    data = JSON.parse(line)
  } catch {
    return refuse('bad_json')
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return refuse('bad_message', 'A frame is one JSON object.')
  }
  const { type } = data as { type?: unknown }
  if (typeof type !== 'string') return { ...refuse('bad_message', '`type` is missing.'), ...named(data) }
  if (!Object.hasOwn(CLIENT_FRAMES, type)) return { ...refuse('unknown_type'), ...named(data) }
  let frame: ClientFrame | undefined = type === 'send' ? sendIn(data) : undefined
  if (frame === undefined) {
    const schema = CLIENT_FRAMES[type as ClientFrame['type']]
    const parsed = schema.safeParse(data)
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      const where = issue?.path.join('.') ?? ''
      return { ...refuse('bad_message', `\`${where}\` is missing or wrong.`), ...named(data) }
    }
    frame = parsed.data
  }
  if (frame.type === 'send' || frame.type === 'edit') {
    if (frame.text.length > textChars) return { ...refuse('too_long'), ...named(data) }
    if (frame.text.trim() === '') return { ...refuse('bad_message', '`text` is blank.'), ...named(data) }
  }
  return { ok: true, value: frame }
}

/**
 * What the schema of `send` makes of it, at a tenth of the price, as most frames are sends; `undefined`: ask the schema,
 * which can say what is wrong.
 */
function sendIn(data: object): Send | undefined {
  const { room, id, text, ref, after, replyTo } = data as Record<string, unknown>
  if (typeof room !== 'string' || !ROOM_ID.test(room)) return undefined
  if (!isSendId(id) || typeof text !== 'string' || !text.isWellFormed()) return undefined
  const send: Send = { type: 'send', room, id, text }
  if (after !== undefined) {
    if (!isSendId(after)) return undefined
    send.after = after
  }
  if (ref !== undefined) {
    if (!isRef(ref)) return undefined
    send.ref = ref
  }
  if (replyTo !== undefined) {
    if (!Number.isSafeInteger(replyTo) || (replyTo as number) < 1) return undefined
    send.replyTo = replyTo as number
  }
  return send
}

function isSendId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LIMITS.idChars && value.isWellFormed()
}

function isRef(value: unknown): value is Ref {
  return typeof value === 'string'
    ? value.length <= LIMITS.refChars && value.isWellFormed()
    : Number.isSafeInteger(value)
}

/** The fields of a bad frame that name it, where they are usable. */
function named(data: object): { ref?: Ref; room?: RoomId; id?: string } {
  const { ref, room, id } = data as Record<string, unknown>
  return {
    ...(isRef(ref) ? { ref } : {}),
    ...(typeof room === 'string' && ROOM_ID.test(room) ? { room } : {}),
    ...(isSendId(id) ? { id } : {}),
  }
}

/** Reads one line from a server, leniently: a type of tomorrow is `undefined`, not a fault. */
export function parseServerFrame(line: string): ServerFrame | undefined {
  try {
    const frame = JSON.parse(line) as { type?: unknown }
    return typeof frame === 'object' && frame !== null && typeof frame.type === 'string'
      ? (frame as ServerFrame)
      : undefined
  } catch {
    return undefined
  }
}

/** The lines of one WebSocket text frame; blank ones are skipped. */
export function splitLines(text: string): string[] {
  return text.includes('\n') ? text.split('\n').filter((line) => line !== '') : text === '' ? [] : [text]
}

/**
 * The bytes of an entry, the same wherever and whenever they are made: the home encodes once, and what is read
 * back from the store is identical. Fields in the order of the type, absent ones left out.
 */
export function encodeEntry(entry: Entry): string {
  const { type, room, seq, id, user, ts } = entry
  const head = { type, room, seq, id, user: { id: user.id, name: user.name } }
  switch (entry.type) {
    case 'message':
      return JSON.stringify({ ...head, text: entry.text, ts, replyTo: entry.replyTo })
    case 'edit':
      return JSON.stringify({ ...head, target: entry.target, text: entry.text, ts })
    case 'delete':
      return JSON.stringify({ ...head, target: entry.target, ts })
    case 'react':
      return JSON.stringify({ ...head, target: entry.target, emoji: entry.emoji, on: entry.on, ts })
    case 'system':
      return JSON.stringify({ ...head, event: entry.event, data: entry.data, ts })
  }
}

/** What no name may hold: controls, what nobody sees or that turns direction, spaces other than the plain one, `:`. */
const NOT_IN_NAMES = /[[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800:]--[\ufe0f\x20]]/v

/** Names of people: NFC, 1–32 characters, printable, nothing that turns direction, no `:`, no outer space. */
export function normaliseName(given: string): string | undefined {
  if (!given.isWellFormed()) return undefined
  const name = given.normalize('NFC')
  if ([...name].length < 1 || [...name].length > LIMITS.nameChars) return undefined
  if (NOT_IN_NAMES.test(name)) return undefined
  // An accent without its letter would stand on whatever the screen shows before the name.
  if (name !== name.trim() || /^\p{M}/u.test(name)) return undefined
  return name
}

/** A guest's user id; never that of an account, which starts with `user:`. Another spelling is another guest. */
export function guestId(name: string): UserId {
  return `guest:${name}`
}
