import * as z from 'zod/mini'
import { ActSchema } from './acts.ts'
import { ERRORS, type ErrorCode } from './errors.ts'
import { RoomIdSchema, UserSchema, type ServerFrame } from './frames.ts'

/**
 * What a chat server may say, as schemas: for the AsyncAPI document, and for tests that hold real servers to it. Clients read frames
 * leniently and need none of this. The types are those of `frames.ts`; that the two agree is checked at the end by the compiler.
 */

const seq = z.int().check(z.gte(0))
const entrySeq = z.int().check(z.gte(1))
/** Milliseconds since 1970. */
const time = z.int().check(z.gte(0))
const count = z.int().check(z.gte(0))
const ref = z.exactOptional(z.union([z.string(), z.int()]))
const room = RoomIdSchema
const entry = { room, seq: entrySeq, id: z.string(), user: UserSchema, ts: time }

/** Entries of a room's log. */
export const ENTRIES = {
  message: z.object({
    type: z.literal('message'),
    ...entry,
    text: z.string(),
    replyTo: z.exactOptional(entrySeq),
  }),
  edit: z.object({ type: z.literal('edit'), ...entry, target: entrySeq, text: z.string() }),
  delete: z.object({ type: z.literal('delete'), ...entry, target: entrySeq }),
  react: z.object({
    type: z.literal('react'),
    ...entry,
    target: entrySeq,
    emoji: z.string(),
    on: z.boolean(),
  }),
  /** `event`: the name of an act, with what is said of it as `data`. */
  system: z.object({
    type: z.literal('system'),
    ...entry,
    event: z.string(),
    data: z.exactOptional(z.unknown()),
  }),
} as const
export const EntrySchema = z.discriminatedUnion('type', [
  ENTRIES.message,
  ENTRIES.edit,
  ENTRIES.delete,
  ENTRIES.react,
  ENTRIES.system,
])

/** Everything a server says, by its type. */
export const SERVER_FRAMES = {
  welcome: z.object({
    type: z.literal('welcome'),
    server: z.string(),
    session: z.string(),
    user: UserSchema,
    heartbeatMs: count,
    limits: z.object({
      textChars: count,
      frameBytes: count,
      historyEntries: count,
      unackedSends: count,
      rate: count,
      rateMs: count,
    }),
    alternatives: z.array(z.string()),
  }),
  joined: z.object({
    type: z.literal('joined'),
    ref,
    room,
    log: z.string(),
    head: seq,
    first: entrySeq,
    members: z.array(UserSchema),
    count,
    name: z.exactOptional(z.string()),
    topic: z.exactOptional(z.string()),
    visibility: z.enum(['public', 'private', 'direct']),
    role: z.exactOptional(z.enum(['owner', 'moderator', 'member'])),
    archived: z.exactOptional(z.boolean()),
    slowMs: z.exactOptional(count),
    mutedUntil: z.exactOptional(time),
  }),
  left: z.object({
    type: z.literal('left'),
    ref,
    room,
    reason: z.exactOptional(z.enum(['removed', 'banned', 'deleted', 'left'])),
  }),
  ack: z.object({ type: z.literal('ack'), ref, room, id: z.string(), seq: entrySeq, ts: time }),
  history: z.object({
    type: z.literal('history'),
    ref,
    room,
    entries: z.array(EntrySchema),
    done: z.boolean(),
  }),
  head: z.object({ type: z.literal('head'), room, seq }),
  presence: z.object({
    type: z.literal('presence'),
    room,
    join: z.array(UserSchema),
    leave: z.array(UserSchema),
    count,
  }),
  typing: z.object({ type: z.literal('typing'), room, user: UserSchema }),
  move: z.object({ type: z.literal('move'), inMs: count, reason: z.string() }),
  reset: z.object({ type: z.literal('reset'), room, log: z.string() }),
  pong: z.object({ type: z.literal('pong'), ref }),
  error: z.object({
    type: z.literal('error'),
    code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
    ref,
    room: z.exactOptional(room),
    id: z.exactOptional(z.string()),
    retryMs: z.exactOptional(count),
  }),
  ...ENTRIES,
} as const

/** Events of `system` entries: the names of the acts. */
export const SYSTEM_EVENTS: readonly string[] = ActSchema.def.options.flatMap(
  (option) => option.def.shape.act.def.values,
)

type Said = z.infer<(typeof SERVER_FRAMES)[keyof typeof SERVER_FRAMES]>
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never
/** Does not compile once the schemas say something else than the types. */
export const AGREES: Same<Said, ServerFrame> = true
