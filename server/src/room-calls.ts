import { randomUUID } from 'node:crypto'
import * as z from 'zod/mini'
import { ForgetUserSchema } from '@flotilla/protocol/accounts.ts'
import { ActSchema, hash } from '@flotilla/protocol/acts.ts'
import type { Refusal } from '@flotilla/protocol/errors.ts'
import { RoomIdSchema, UserSchema, type User } from '@flotilla/protocol/frames.ts'
import { maySee } from '@flotilla/protocol/judge.ts'
import type { Roster } from '@flotilla/protocol/roster.ts'
import { internalCall, type InternalAnswer, type InternalCall } from './http-internal.ts'
import type { Home } from './rooms/home.ts'
import type { Room } from './rooms/room.ts'
import type { Rooms } from './rooms/rooms.ts'
import type { Store } from './store/store.ts'

/** What the balancer asks a room's home, for people who come by HTTP: the home judges, whoever asks. */

const seq = z.int().check(z.gte(0))
const limit = z.int().check(z.gte(1), z.lte(1_000))

export interface RoomCallsParts {
  rooms: Rooms
  store: Store
  now: () => number
}

export function roomCalls({ rooms, store, now }: RoomCallsParts): InternalCall[] {
  /** Runs `perform` if this server is the room's home. */
  const atHome = async (
    params: Readonly<Record<string, string>>,
    perform: (home: Home, room: Room) => InternalAnswer | Promise<InternalAnswer>,
  ): Promise<InternalAnswer> => {
    const id = RoomIdSchema.safeParse(params['room'])
    if (!id.success) return { problem: 'no_such_room' }
    const room = await rooms.atHome(id.data)
    return typeof room === 'string' ? { problem: room } : perform(room.home, room.room)
  }

  /** Writes into every room that is homed here that he is gone: with that his name goes from it; and out of what was homed here once. */
  const forgetUser = async (user: User): Promise<InternalAnswer> => {
    const ids = new Set([...(await store.roomsOf(user.id)), ...rooms.knowing(user.id)])
    for (const id of ids) {
      const at = await rooms.atHome(id)
      if (at === 'no_such_room') continue
      if (typeof at === 'string') return { problem: 'busy' }
      const acted = await at.home.act(`gone-${randomUUID()}`, user, { act: 'gone' })
      if (!acted.ok) return { problem: 'busy' }
    }
    await store.forgetName(user.id)
    return { ok: {} }
  }

  return [
    internalCall({
      path: 'rooms/:room/act',
      body: z.object({
        id: z.string().check(z.minLength(1), z.maxLength(64)),
        by: UserSchema,
        act: ActSchema,
      }),
      perform: ({ params, body: { id, by, act } }) =>
        atHome(params, async (home) => {
          const acted = await home.act(id, by, act)
          if (act.act === 'retention') rooms.retentionChanged()
          return acted.ok ? { ok: acted.done } : problemOf(acted)
        }),
    }),
    internalCall({
      path: 'rooms/:room/look',
      // `brief`: without its people, of whom there may be many. `link`: the hash of the one this user would come by.
      body: z.object({
        user: z.optional(UserSchema),
        brief: z.optional(z.boolean()),
        link: z.optional(hash),
      }),
      perform: ({ params, body: { user, brief = false, link } }) =>
        atHome(params, ({ rules: { roster } }) => {
          if (user !== undefined && !maySee(roster, user, link, now())) return { problem: 'no_such_room' }
          return {
            ok: {
              genesis: roster.genesis,
              facts: roster.facts(),
              role: user && roster.roleOf(user.id, now()),
              count: roster.memberCount,
              version: roster.version,
              ...(brief ? {} : peopleOf(roster, now())),
            },
          }
        }),
    }),
    internalCall({
      path: 'rooms/:room/read',
      body: z.object({ after: z.optional(seq), before: z.optional(seq), limit }),
      perform: ({ params, body: { after, before, limit: most } }) =>
        atHome(params, async ({ room }) => {
          const side = before === undefined ? { after: after ?? 0 } : { before }
          return { ok: { entries: await store.read(room, side, most) } }
        }),
    }),
    internalCall({
      path: 'rooms/:room/audit',
      body: z.object({ before: z.optional(seq), limit }),
      perform: ({ params, body: { before, limit: most } }) =>
        atHome(params, async ({ room }) => ({ ok: { entries: await store.audit(room, before, most) } })),
    }),
    internalCall({
      // Whether it may be deleted was judged before; every server erases what it has of it, its home or not.
      path: 'rooms/:room/erase',
      body: z.object({}),
      perform: async ({ params }) => {
        const id = RoomIdSchema.safeParse(params['room'])
        if (!id.success) return { problem: 'no_such_room' }
        rooms.erased(id.data)
        await store.erase(id.data)
        return { ok: {} }
      },
    }),
    internalCall({
      path: 'forget-user',
      body: ForgetUserSchema,
      perform: ({ body: { user } }) => forgetUser(user),
    }),
    internalCall({
      path: 'entries-of',
      body: z.object({ user: z.string(), after: z.optional(z.string()), limit }),
      perform: async ({ body: { user, after, limit: most } }) => {
        const { entries, next, isWhole } = await store.entriesOf(user, after, most)
        return { ok: { entries, next, isWhole } }
      },
    }),
  ]
}

function peopleOf(roster: Roster, now: number) {
  return {
    members: roster.members(now),
    invited: roster.invited(),
    banned: roster.banned(now),
    links: roster.links(now),
  }
}

function problemOf({ code, message, retryMs }: Refusal): InternalAnswer {
  const more = {
    ...(message === undefined ? {} : { detail: message }),
    ...(retryMs === undefined ? {} : { retryMs }),
  }
  switch (code) {
    case 'forbidden':
    case 'conflict':
    case 'rate_limited':
      return { problem: code, ...more }
    case 'no_such_room':
      return { problem: code }
    case 'bad_message':
      return { problem: 'bad_request', ...more }
    default:
      return { problem: 'busy', ...more }
  }
}
