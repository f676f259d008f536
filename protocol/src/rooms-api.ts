import * as z from 'zod/mini'
import { RoomFactsSchema, VisibilitySchema } from './control.ts'
import { RoomIdSchema, UserSchema } from './frames.ts'

/** The bodies of the balancer's calls about a room and its people; `control.ts` has those that list and make rooms. */

const wellFormed = z.refine<string>((text) => text.isWellFormed(), 'holds a lone surrogate')
/** Milliseconds since 1970. */
const time = z.int().check(z.gte(0))
const seq = z.int().check(z.gte(1))
const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/))
const userId = z.string().check(z.regex(/^(user|guest):/), z.maxLength(128), wellFormed)
const username = z.string().check(z.minLength(1), z.maxLength(128), wellFormed)
const reason = z.optional(z.string().check(z.minLength(1), z.maxLength(500), wellFormed))
const WEEK_MS = 7 * 24 * 3_600_000

export const RoleSchema = z.enum(['owner', 'moderator', 'member'])

/** `POST …/join`, `…/preview`: `link` = the secret of one, for who was not invited. */
export const JoinRoomSchema = z.object({ link: z.optional(z.string().check(z.regex(/^[A-Za-z0-9_-]{32}$/))) })
/** `POST …/preview`: what a link leads to, before one joins by it. */
export const RoomPreviewSchema = z.extend(
  z.pick(RoomFactsSchema, {
    roomId: true,
    name: true,
    visibility: true,
    membership: true,
    topic: true,
    archived: true,
  }),
  {
    /** Its members; absent: the server it is on is of an earlier version. */
    count: z.optional(z.int()),
  },
)
export const InviteSchema = z.object({ username })
/** `POST …/remove`, `/uninvite`, `/unban`, `/unmute`, `/owner`: whom. */
export const WhomSchema = z.object({ user: userId, reason })
/** Without `minutes` for ever. */
export const BanSchema = z.object({
  user: userId,
  minutes: z.optional(z.int().check(z.gte(1), z.lte(5_256_000))),
  reason,
})
export const MuteSchema = z.object({
  user: userId,
  minutes: z.int().check(z.gte(1), z.lte(525_600)),
  reason,
})
export const GiveRoleSchema = z.object({ user: userId, role: z.enum(['moderator', 'member']) })
/** Each field is a change of its own, made in this order; one that is refused ends it. */
export const ChangeRoomSchema = z.object({
  name: z.optional(z.string().check(z.minLength(1), z.maxLength(64))),
  topic: z.optional(z.string().check(z.maxLength(500), wellFormed)),
  /** The least time between two messages of one person; 0 = any. */
  slowMs: z.optional(z.int().check(z.gte(0), z.lte(86_400_000))),
  /** For how long messages are kept; null = for ever. */
  retentionDays: z.optional(z.nullable(z.int().check(z.gte(1), z.lte(36_500)))),
  archived: z.optional(z.boolean()),
})
/** What an act came to: the entry of the room's log. Without `seq` all was so already. */
export const ActedSchema = z.object({
  seq: z.optional(seq),
  ts: z.optional(time),
  event: z.optional(z.string()),
})

export const MemberSchema = z.object({
  user: UserSchema,
  role: RoleSchema,
  mutedUntil: z.optional(time),
})
/** A page of `GET …/members`, in the order in which they came; `next` = `after` of the next page, absent on the last. */
export const MemberPageSchema = z.object({
  members: z.array(MemberSchema),
  count: z.int(),
  next: z.optional(z.string()),
  /** For the owner and moderators, on the first page. */
  invited: z.optional(z.array(UserSchema)),
  banned: z.optional(z.array(z.object({ user: UserSchema, until: z.optional(time) }))),
})

/** `POST …/links`. Whoever has the link may join until it ends, or has been used up. */
export const MakeLinkSchema = z.object({
  expiresInMs: z.int().check(z.gte(60_000), z.lte(53 * WEEK_MS)),
  uses: z.optional(z.int().check(z.gte(1), z.lte(100_000))),
})
/** `link` = the secret, told only now; `hash` names it from now on. */
export const LinkMadeSchema = z.object({ link: z.string(), hash, until: time, uses: z.optional(z.int()) })
export const LinkSchema = z.object({ hash, until: time, uses: z.optional(z.int()), by: UserSchema })
export const LinkListSchema = z.array(LinkSchema)

/** An entry of a room's log, as chat servers send it. */
export const LogEntrySchema = z.looseObject({
  type: z.string(),
  room: RoomIdSchema,
  seq,
  id: z.string(),
  user: UserSchema,
  ts: time,
})
/** `GET …/audit`: what was done to the room and what was deleted in it, the newest first; `next` = `before` of the next page. */
export const AuditPageSchema = z.object({ entries: z.array(LogEntrySchema), next: z.optional(seq) })

/** `POST …/reports`. */
export const MakeReportSchema = z.object({
  seq,
  reason: z.string().check(z.minLength(1), z.maxLength(500), wellFormed),
})
export const ReportSchema = z.object({
  id: z.int(),
  seq,
  by: UserSchema,
  reason: z.string(),
  at: time,
  /** The entry with those around it, as far as they are still kept. */
  context: z.array(LogEntrySchema),
})
/** The newest first; `next` = `before` of the next page. */
export const ReportPageSchema = z.object({ reports: z.array(ReportSchema), next: z.optional(z.int()) })

/** A page of `GET /internal/reports`, as the one above. */
export const OpenReportPageSchema = z.object({
  reports: z.array(z.extend(ReportSchema, { roomId: RoomIdSchema, visibility: VisibilitySchema })),
  next: z.optional(z.int()),
})

/** `DELETE …`: how many servers were away, and erase it as soon as they are back. */
export const RoomDeletedSchema = z.object({ pending: z.int() })

export const DirectSchema = z.object({ username })

export type Acted = z.infer<typeof ActedSchema>
export type MemberPage = z.infer<typeof MemberPageSchema>
export type RoomPreview = z.infer<typeof RoomPreviewSchema>
export type LinkRow = z.infer<typeof LinkSchema>
export type LinkMade = z.infer<typeof LinkMadeSchema>
export type AuditPage = z.infer<typeof AuditPageSchema>
export type OpenReportPage = z.infer<typeof OpenReportPageSchema>
export type ReportPage = z.infer<typeof ReportPageSchema>
export type ChangeRoom = z.infer<typeof ChangeRoomSchema>
