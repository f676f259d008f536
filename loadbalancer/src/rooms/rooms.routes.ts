import { randomBytes } from 'node:crypto'
import {
  CreateRoomSchema,
  PlacedSchema,
  PlaceSchema,
  RoomCreatedSchema,
  RoomFactsSchema,
  RoomListSchema,
  RoomPlaceSchema,
  AcceptedSchema,
  TakenSchema,
  type PlacementChange,
  type RoomFacts,
} from '@flotilla/protocol/control.ts'
import { RoomIdSchema } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Events } from '../events.ts'
import { refused } from '../http/problem.ts'
import { tooFast, type RateLimit } from '../http/rate-limit.ts'
import { ok, route, type Route } from '../http/route.ts'
import type { Metrics } from '../metrics.ts'
import type { DirectoryStore, RoomRecord } from './directory-store.ts'
import type { Placement } from './placement.ts'

/** Most rooms one list shows. */
const MAX_LISTED = 1_000

export interface RoomsParts {
  store: DirectoryStore
  placement: Placement
  /** Probes this server, and resolves when it is known whether it answers. */
  suspect: (id: string) => Promise<void>
  creations: RateLimit
  events: Events
  metrics: Metrics
  now: () => number
}

export function roomsRoutes(parts: RoomsParts): Route[] {
  const { store, creations, now } = parts
  return [
    route({
      method: 'get',
      path: '/api/rooms',
      summary: 'The public rooms: general, then the newest first.',
      door: 'token',
      cors: true,
      answers: { status: 200, schema: RoomListSchema },
      problems: [],
      perform: async () => ok((await store.publicRooms(MAX_LISTED)).map(factsOf)),
    }),
    route({
      method: 'post',
      path: '/api/rooms',
      summary: 'Makes a room.',
      door: 'token',
      cors: true,
      body: CreateRoomSchema,
      answers: { status: 201, schema: RoomCreatedSchema },
      problems: ['bad_name', 'not_supported', 'rate_limited'],
      perform: async ({ body, user, address }) => {
        const name = normaliseRoomName(body.name)
        if (name === undefined) return refused('bad_name')
        if (body.visibility === 'private') return refused('not_supported', 'Private rooms come later.')
        const retryMs = creations.take(address, now())
        if (retryMs > 0) return tooFast(retryMs)
        const roomId = await createRoom(store, { name, createdBy: user.id, createdAt: Math.floor(now()) })
        return { status: 201, json: { roomId } }
      },
    }),
    route({
      method: 'get',
      path: '/api/rooms/:roomId',
      summary: 'The facts of a room.',
      door: 'token',
      cors: true,
      answers: { status: 200, schema: RoomFactsSchema },
      problems: ['no_such_room'],
      perform: async ({ params }) => {
        const room = isRoomId(params['roomId']) ? await store.room(params['roomId']) : undefined
        return room?.visibility === 'public' ? ok(factsOf(room)) : refused('no_such_room')
      },
    }),
    route({
      method: 'post',
      path: '/api/rooms/:roomId',
      summary: 'Where the room is: its home, chosen now if it has none.',
      door: 'token',
      cors: true,
      answers: { status: 200, schema: RoomPlaceSchema },
      problems: ['no_such_room', 'no_server'],
      perform: async ({ params }) => {
        const placed = await place(parts, params['roomId'])
        if ('refused' in placed) return placed
        return ok({ roomId: placed.room, url: placed.home.url, home: placed.home.id })
      },
    }),
    route({
      method: 'post',
      path: '/internal/place',
      summary: 'The home of a room, for a chat server.',
      door: 'fleet',
      cors: false,
      body: PlaceSchema,
      answers: { status: 200, schema: PlacedSchema },
      problems: ['no_such_room', 'no_server'],
      perform: async ({ body }) => {
        if (body.unreachable !== undefined) await parts.suspect(body.unreachable)
        const placed = await place(parts, body.room, body.server, body.leaving)
        return 'refused' in placed ? placed : ok(placed)
      },
    }),
    route({
      method: 'post',
      path: '/internal/taken',
      summary:
        'A chat server has all of these rooms now, as their home: nobody else needs to be asked for them.',
      door: 'fleet',
      cors: false,
      body: TakenSchema,
      answers: { status: 200, schema: AcceptedSchema },
      problems: [],
      perform: async ({ body }) => {
        await store.adoptRooms(body.server, body.rooms, Math.floor(now()))
        return ok({})
      },
    }),
  ]
}

async function place(
  { placement, events, metrics }: RoomsParts,
  roomId: string | undefined,
  asker?: string,
  isLeaving?: boolean,
) {
  const outcome = isRoomId(roomId) ? await placement.place(roomId, asker, isLeaving) : 'no_such_room'
  if (typeof outcome === 'string') {
    metrics.placements.inc({ outcome })
    return outcome === 'no_server' ? refused(outcome, undefined, { 'retry-after': '2' }) : refused(outcome)
  }
  const { placed, isNew, formerHome } = outcome
  metrics.placements.inc({ outcome: isNew ? 'placed' : 'present' })
  // Whoever listens may be a stranger to a private room.
  if (isNew && placed.visibility === 'public') {
    const { room, home, epoch } = placed
    const change: PlacementChange = {
      ...{ room, home: home.id, epoch },
      ...(formerHome === undefined ? {} : { formerHome }),
    }
    events.send('placement', change)
  }
  return placed
}

async function createRoom(
  store: DirectoryStore,
  { name, createdBy, createdAt }: { name: string; createdBy: string; createdAt: number },
): Promise<string> {
  for (;;) {
    // 60 bits: short in a link, and not to be guessed. Should it be taken after all, the next one is not.
    const roomId = randomBytes(9).toString('base64url').slice(0, 10)
    if (await store.createRoom({ roomId, name, visibility: 'public', createdAt, createdBy })) return roomId
  }
}

/** Names of rooms: NFC, trimmed, 1–64 characters, printable, nothing that turns direction; else undefined. */
export function normaliseRoomName(given: string): string | undefined {
  if (!given.isWellFormed()) return undefined
  const name = given.normalize('NFC').trim()
  if (name === '' || [...name].length > LIMITS.roomNameChars) return undefined
  return /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/u.test(name) ? undefined : name
}

function isRoomId(given: string | undefined): given is string {
  return RoomIdSchema.safeParse(given).success
}

function factsOf({ roomId, name, visibility, createdAt, home }: RoomRecord): RoomFacts {
  return { roomId, name, visibility, createdAt, ...(home === undefined ? {} : { home }) }
}
