import * as z from 'zod/mini'
import { ActSchema } from '@flotilla/protocol/acts.ts'
import type { Refusal } from '@flotilla/protocol/errors.ts'
import { RoomIdSchema, UserSchema } from '@flotilla/protocol/frames.ts'
import { isStanding } from '@flotilla/protocol/roster.ts'
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
          return acted.ok ? { ok: acted.done } : problemOf(acted)
        }),
    }),
    internalCall({
      path: 'rooms/:room/look',
      body: z.object({ user: z.optional(UserSchema) }),
      perform: ({ params, body: { user } }) =>
        atHome(params, ({ rules: { roster } }) => {
          const role = user && roster.roleOf(user.id, now())
          if (user !== undefined && !roster.isPublic && !isStanding(role) && role !== 'invited') {
            return { problem: 'no_such_room' }
          }
          return {
            ok: {
              genesis: roster.genesis,
              facts: roster.facts(),
              role,
              members: roster.members(now()),
              invited: roster.invited(),
              banned: roster.banned(now()),
              links: roster.links(now()),
              version: roster.version,
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
  ]
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
