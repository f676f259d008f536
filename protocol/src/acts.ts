import * as z from 'zod/mini'
import { UserSchema, type User } from './frames.ts'

/**
 * What can be done to a room besides talking in it. An act that is allowed becomes a `system` entry of the room's log, of the
 * same name (`event`) and with what is said here of it (`data`); `Roster` folds those entries and judges the next act.
 */

const wellFormed = z.refine<string>((text) => text.isWellFormed(), 'holds a lone surrogate')
const user = z.object({
  id: UserSchema.shape.id.check(z.regex(/^(user|guest):/), z.maxLength(128), wellFormed),
  name: UserSchema.shape.name.check(z.minLength(1), z.maxLength(128), wellFormed),
})
/** Milliseconds since 1970. */
const time = z.int().check(z.gte(0))
const reason = z.optional(z.string().check(z.maxLength(500), wellFormed))
/** SHA-256 of the secret in a link, in hexadecimal: who reads the log cannot enter by it. */
export const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/))

const acts = [
  /** `link`: the hash of the one he comes by. */
  z.object({ act: z.literal('join'), link: z.optional(hash) }),
  /** Also: turns an invitation down. */
  z.object({ act: z.literal('leave') }),
  z.object({ act: z.literal('invite'), user }),
  z.object({ act: z.literal('uninvite'), user }),
  z.object({ act: z.literal('remove'), user, reason }),
  /** Without `until` for ever. */
  z.object({ act: z.literal('ban'), user, until: z.optional(time), reason }),
  z.object({ act: z.literal('unban'), user }),
  z.object({ act: z.literal('mute'), user, until: time, reason }),
  z.object({ act: z.literal('unmute'), user }),
  z.object({ act: z.literal('role'), user, role: z.enum(['moderator', 'member']) }),
  /** Hands the room over; who had it is a moderator then. */
  z.object({ act: z.literal('owner'), user }),
  z.object({ act: z.literal('rename'), name: z.string().check(z.minLength(1), z.maxLength(64), wellFormed) }),
  z.object({ act: z.literal('topic'), topic: z.string().check(z.maxLength(500), wellFormed) }),
  /** The least time between two messages of one person; 0 = any. */
  z.object({ act: z.literal('slow'), everyMs: z.int().check(z.gte(0), z.lte(86_400_000)) }),
  z.object({ act: z.literal('archive') }),
  z.object({ act: z.literal('unarchive') }),
  z.object({
    act: z.literal('link'),
    hash,
    until: time,
    uses: z.optional(z.int().check(z.gte(1), z.lte(100_000))),
  }),
  z.object({ act: z.literal('unlink'), hash }),
  /** For how long messages are kept; null = for ever. */
  z.object({ act: z.literal('retention'), days: z.nullable(z.int().check(z.gte(1), z.lte(36_500))) }),
  /** He who acts has another name now. */
  z.object({ act: z.literal('name'), name: z.string().check(z.minLength(1), z.maxLength(128), wellFormed) }),
  /** The account of him who acts is deleted. */
  z.object({ act: z.literal('gone') }),
  /** Direct rooms: neither of the two can say anything any more. */
  z.object({ act: z.literal('block') }),
  z.object({ act: z.literal('unblock') }),
] as const

export const ActSchema = z.discriminatedUnion('act', acts)
export type Act = z.infer<typeof ActSchema>
export type ActName = Act['act']

/** What the entry of a join says of how he came in; `hash`: by which link. */
export interface JoinData {
  via?: 'link' | 'invite'
  hash?: string
}

/**
 * Event of a `system` entry that no act makes: it stands where an entry was damaged, and no store had it any more. `data.was` is the
 * type of that one; what says `system` may have been any act.
 */
export const LOST_EVENT = 'damaged'

/** The name of who deleted his account. */
export const DELETED_NAME = 'deleted user'

/** Whether the id is that of a guest: anybody may come by that name, so it stands for nobody in particular. */
export function isGuest({ id }: Pick<User, 'id'>): boolean {
  return id.startsWith('guest:')
}

/** What an entry says besides what it is: anything may stand in a log. */
export function fieldsOf(data: unknown): Record<string, unknown> {
  return typeof data === 'object' && data !== null ? { ...data } : {}
}

export function userIn(data: Record<string, unknown>): User | undefined {
  const user = data['user'] as Partial<User> | null | undefined
  return typeof user?.id === 'string' && typeof user.name === 'string'
    ? { id: user.id, name: user.name }
    : undefined
}

export function numberIn(data: Record<string, unknown>, key: string): number | undefined {
  const value = data[key]
  return typeof value === 'number' ? value : undefined
}
