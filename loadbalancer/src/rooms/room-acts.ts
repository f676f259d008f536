import { createHash, randomUUID } from 'node:crypto'
import { isGuest, type Act } from '@flotilla/protocol/acts.ts'
import { normaliseName, UserSchema, type RoomId, type User, type UserId } from '@flotilla/protocol/frames.ts'
import { GenesisSchema } from '@flotilla/protocol/genesis.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { LinkSchema, LogEntrySchema, MemberSchema, type Acted } from '@flotilla/protocol/rooms-api.ts'
import type { Role } from '@flotilla/protocol/roster.ts'
import * as z from 'zod/mini'
import { refused, type Refused } from '../http/problem.ts'
import { tooFast, type RateLimit } from '../http/rate-limit.ts'
import type { Logger } from '../log.ts'
import type { DirectoryStore, RoomFactsNow, RoomRecord } from './directory-store.ts'
import type { Homes } from './homes.ts'
import type { People } from './people.ts'
import { isRoomId } from './placing.ts'
import type { RoomBook } from './room-book.ts'
import { newsOf } from './room-news.ts'

const DoneSchema = z.object({
  seq: z.optional(z.int()),
  ts: z.optional(z.number()),
  event: z.optional(z.string()),
  data: z.optional(z.unknown()),
})
const GlanceSchema = z.object({
  genesis: z.optional(GenesisSchema),
  facts: z.object({
    name: z.optional(z.string()),
    topic: z.optional(z.string()),
    archived: z.boolean(),
    slowMs: z.number(),
    retentionDays: z.optional(z.number()),
  }),
  /** Of whom was asked for. */
  role: z.optional(z.enum(['owner', 'moderator', 'member', 'invited', 'banned'])),
  /** Its members; absent: its home is of an earlier version. */
  count: z.optional(z.int()),
  /** Seq of the last entry that changed any of this. */
  version: z.int(),
})
const LookSchema = z.extend(GlanceSchema, {
  members: z.array(MemberSchema),
  invited: z.array(UserSchema),
  banned: z.array(z.object({ user: UserSchema, until: z.optional(z.number()) })),
  links: z.array(LinkSchema),
})
const EntriesSchema = z.object({ entries: z.array(LogEntrySchema) })

/** A room as its home sees it. */
export type Glance = z.infer<typeof GlanceSchema>
/** … with its people. */
export type Look = z.infer<typeof LookSchema>
/** Of a room that is not hidden from who asked. */
export type Seen<T extends Glance> = T & { room: RoomRecord }
export type LogEntry = z.infer<typeof LogEntrySchema>

export interface RoomActsParts {
  store: DirectoryStore
  book: RoomBook
  homes: Homes
  people: People
  /** By user: acts, and looks at rooms, each of which a home has to answer. */
  acts: RateLimit
  /** Of one person in one room: each is an entry that the room never forgets. */
  comings: RateLimit
  looks: RateLimit
  /** Hears of rooms whose lists do not follow their logs. */
  outdated: (roomId: RoomId) => void
  log: Logger
  now: () => number
}

/** Whom an act is to be done to, by what the caller knows of him. */
export type Whom = { id: UserId } | { name: string }

/**
 * What people do to rooms, carried to the homes of those, who judge it. To who is a stranger to a private room nothing here
 * says that there is one: it is the same answer as for a room that does not exist, also when no home can be asked.
 */
export class RoomActs {
  readonly #parts: RoomActsParts

  constructor(parts: RoomActsParts) {
    this.#parts = parts
  }

  /**
   * `key`: the caller's own name for this act, under which he may ask again and it is done once. `link`: the hash he came by.
   * @returns what was written; nothing in it, if all was so already
   */
  async act(roomId: string | undefined, by: User, act: Act, key?: string): Promise<Acted | Refused> {
    const { acts, comings, now } = this.#parts
    const isComing = act.act === 'join' || act.act === 'leave'
    const retryMs = Math.max(
      acts.take(by.id, now()),
      isComing ? comings.take(`${by.id} ${roomId?.slice(0, LIMITS.roomIdChars)}`, now()) : 0,
    )
    return retryMs > 0 ? tooFast(retryMs) : this.carry(roomId, by, act, key)
  }

  /** The same, however many there are: what the balancer does by itself in somebody's name. */
  async carry(roomId: string | undefined, by: User, act: Act, key?: string): Promise<Acted | Refused> {
    const { book, log, now } = this.#parts
    const room = await this.#room(roomId)
    if (room === undefined) return refused('no_such_room')
    const link = act.act === 'join' ? act.link : undefined
    const asked = await this.#ask(room, by, 'act', { id: idOf(key), by, act }, link)
    if ('refused' in asked) return asked
    const { seq, ts, event, data } = DoneSchema.parse(asked.answer)
    if (seq === undefined || event === undefined) return {}
    try {
      await book.heard(room.roomId, seq, newsOf({ event, data, user: by }), now())
    } catch (err) {
      // It is done, and that is what he is told: the next look at the room repairs the lists.
      log.error({ err, room: room.roomId, event }, 'the lists do not follow')
    }
    return { seq, event, ...(ts === undefined ? {} : { ts }) }
  }

  /** An act on somebody. Who may not even do that learns nothing of who there is. */
  async actOn(
    roomId: string | undefined,
    by: User,
    whom: Whom,
    toAct: (user: User) => Act,
    key?: string,
  ): Promise<Acted | Refused> {
    const user = await this.find(whom)
    if (user === undefined) {
      const seen = await this.glance(roomId, by)
      return 'refused' in seen ? seen : refused('no_such_user')
    }
    const act = toAct(user)
    if (act.act === 'invite' && (await this.#parts.people.isBlocked(by.id, user.id))) {
      const seen = await this.glance(roomId, by)
      return 'refused' in seen ? seen : refused('forbidden', 'This person cannot be invited by you.')
    }
    return this.act(roomId, by, act, key)
  }

  /** Guests are who they say they are. */
  async find(whom: Whom): Promise<User | undefined> {
    const { people } = this.#parts
    if ('name' in whom) return people.byName(whom.name)
    if (!isGuest(whom)) return people.byId(whom.id)
    const name = whom.id.slice('guest:'.length)
    return normaliseName(name) === name ? { id: whom.id, name } : undefined
  }

  /** The room as its home sees it, for somebody it is not hidden from, and who is not banned from it. */
  async glance(roomId: string | undefined, user: User): Promise<Seen<Glance> | Refused> {
    const seen = await this.#see(roomId, user, GlanceSchema, { brief: true })
    if ('refused' in seen) return seen
    if ((await this.#parts.book.comparedUpTo(seen.room.roomId)) < seen.version)
      this.#parts.outdated(seen.room.roomId)
    return seen
  }

  /** The same, also for who could come in by the link of this hash. */
  preview(roomId: string | undefined, user: User, link: string | undefined): Promise<Seen<Glance> | Refused> {
    return this.#see(roomId, user, GlanceSchema, { brief: true }, link)
  }

  /** The same with its people, however many. */
  async look(roomId: string | undefined, user: User): Promise<Seen<Look> | Refused> {
    const seen = await this.#see(roomId, user, LookSchema, {})
    if (!('refused' in seen)) await this.#compare(seen.room.roomId, seen)
    return seen
  }

  async #see<T extends Glance>(
    roomId: string | undefined,
    user: User,
    schema: z.ZodMiniType<T>,
    how: { brief?: true },
    link?: string,
  ): Promise<Seen<T> | Refused> {
    const { looks, now } = this.#parts
    const retryMs = looks.take(user.id, now())
    if (retryMs > 0) return tooFast(retryMs)
    const room = await this.#room(roomId)
    if (room === undefined) return refused('no_such_room')
    const by = link === undefined ? {} : { link }
    const asked = await this.#ask(room, user, 'look', { user, ...how, ...by }, link)
    if ('refused' in asked) return asked
    const seen = schema.parse(asked.answer)
    // Whether the link is good was for its home to say.
    const isOut = (seen.role === undefined && link === undefined) || seen.role === 'banned'
    if (room.visibility !== 'public' && isOut) return refused('no_such_room')
    if (seen.role === 'banned') return refused('forbidden', 'You are banned from this room.')
    return { ...seen, room }
  }

  /** Brings the lists up to what the home of this room says. */
  async compare(roomId: RoomId): Promise<boolean> {
    const asked = await this.#parts.homes.ask(roomId, 'look', {})
    if ('refused' in asked) return asked.refused === 'no_such_room'
    await this.#compare(roomId, LookSchema.parse(asked.answer))
    return true
  }

  /** Entries of a room he may see, ascending, the next to a seq on one side. */
  read(roomId: RoomId, side: { after: number } | { before: number }, limit: number) {
    return this.#entries(roomId, 'read', { ...side, limit })
  }

  /** What was done to the room and deleted in it, the newest first. */
  audit(roomId: RoomId, before: number | undefined, limit: number) {
    return this.#entries(roomId, 'audit', { ...(before === undefined ? {} : { before }), limit })
  }

  async #entries(roomId: RoomId, call: string, body: object): Promise<LogEntry[] | Refused> {
    const asked = await this.#parts.homes.ask(roomId, call, body)
    return 'refused' in asked ? asked : EntriesSchema.parse(asked.answer).entries
  }

  async #room(roomId: string | undefined): Promise<RoomRecord | undefined> {
    return isRoomId(roomId) ? this.#parts.store.room(roomId) : undefined
  }

  /** `link`: the hash of the one he comes by. */
  async #ask(room: RoomRecord, user: User, call: string, body: object, link?: string) {
    const { homes, book, now } = this.#parts
    const asked = await homes.ask(room.roomId, call, body)
    if (!('refused' in asked) || asked.refused !== 'busy' || room.visibility === 'public') return asked
    // That nobody can be asked now would tell a stranger that there is somebody to ask.
    const role = await book.roleOf(room.roomId, user.id)
    if (role !== undefined && role !== 'banned') return asked
    if (link !== undefined && (await book.hasLink(room.roomId, link, now()))) return asked
    return refused('no_such_room')
  }

  async #compare(roomId: RoomId, look: Look): Promise<void> {
    const { book, log } = this.#parts
    try {
      if ((await book.comparedUpTo(roomId)) >= look.version) return
      const roles = new Map<UserId, Role>()
      for (const { id } of look.invited) roles.set(id, 'invited')
      for (const { user } of look.banned) roles.set(user.id, 'banned')
      for (const { user, role } of look.members) roles.set(user.id, role)
      await book.compare(roomId, { version: look.version, facts: factsIn(look), roles })
    } catch (err) {
      log.error({ err, room: roomId }, 'the lists do not follow')
    }
  }
}

function factsIn({ facts: { name, topic = '', archived, slowMs, retentionDays } }: Look): RoomFactsNow {
  return { ...(name && { name }), topic, archived, slowMs, retentionDays: retentionDays ?? null }
}

/** What is done once is known by this id at the home: with the caller's key he may ask as often as he likes. */
function idOf(key: string | undefined): string {
  const name = key === undefined ? randomUUID() : createHash('sha256').update(key).digest('base64url')
  return `http-${name}`
}
