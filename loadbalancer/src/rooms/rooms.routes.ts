import { randomBytes } from 'node:crypto'
import { DELETED_NAME, isGuest, type Act } from '@flotilla/protocol/acts.ts'
import {
  CreateRoomSchema,
  RoomCreatedSchema,
  RoomFactsSchema,
  RoomListSchema,
  RoomPlaceSchema,
  type RoomFacts,
} from '@flotilla/protocol/control.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import {
  ChangeRoomSchema,
  DirectSchema,
  JoinRoomSchema,
  RoomDeletedSchema,
  RoomPreviewSchema,
  type ChangeRoom,
} from '@flotilla/protocol/rooms-api.ts'
import type { Role } from '@flotilla/protocol/roster.ts'
import { refused, type Refused } from '../http/problem.ts'
import { tooFast, type RateLimit } from '../http/rate-limit.ts'
import { ok, okOr, route, type Route } from '../http/route.ts'
import { directRoomId } from './direct-room.ts'
import type { DirectoryStore, RoomRecord } from './directory-store.ts'
import type { Erasures } from './erasures.ts'
import { hashOfLink } from './link-secret.ts'
import type { People } from './people.ts'
import { isRoomId, type Place } from './placing.ts'
import type { Glance, RoomActs } from './room-acts.ts'
import type { RoomBook } from './room-book.ts'
import { isTopic, normaliseRoomName } from './room-name.ts'

/** Most public rooms one list shows, and most of one's own. */
const MAX_LISTED = 1_000

export interface RoomsParts {
  store: DirectoryStore
  book: RoomBook
  place: Place
  acts: RoomActs
  people: People
  erasures: Erasures
  creations: RateLimit
  fleetSecret: string
  now: () => number
}

export function roomsRoutes(parts: RoomsParts): Route[] {
  const { store, acts } = parts
  return [
    route({
      method: 'get',
      path: '/api/rooms',
      summary:
        'The public rooms: general, then the newest first; then those of others one is in, or invited to.',
      door: 'token',
      cors: true,
      answers: { status: 200, schema: RoomListSchema },
      problems: [],
      perform: async ({ user }) => ok(await listFor(parts, user)),
    }),
    route({
      method: 'post',
      path: '/api/rooms',
      summary: 'Makes a room. Guests make public ones, which nobody owns.',
      door: 'token',
      cors: true,
      body: CreateRoomSchema,
      answers: { status: 201, schema: RoomCreatedSchema },
      problems: ['bad_name', 'forbidden', 'rate_limited', 'busy'],
      perform: async ({ body, user, address }) => {
        const name = normaliseRoomName(body.name)
        const { visibility = 'public', topic } = body
        if (name === undefined || (topic !== undefined && !isTopic(topic))) return refused('bad_name')
        const isOwned = !isGuest(user)
        if (!isOwned && (visibility === 'private' || topic !== undefined))
          return refused('forbidden', 'Guests make public rooms without a topic: sign up first.')
        const genesis = { name, visibility, ...(isOwned ? { createdBy: user } : {}) }
        const roomId = await create(parts, user, genesis, address)
        if (typeof roomId !== 'string') return roomId
        if (topic === undefined || topic === '') return { status: 201, json: { roomId } }
        const named = await acts.carry(roomId, user, { act: 'topic', topic })
        if (!('refused' in named)) return { status: 201, json: { roomId } }
        // Nobody was told of it yet: half a room is none.
        await parts.erasures.deleteRoom(roomId)
        return named
      },
    }),
    route({
      method: 'post',
      path: '/api/direct',
      summary: 'The room between oneself and this person, made if there is none yet.',
      door: 'token',
      cors: true,
      body: DirectSchema,
      answers: { status: 200, schema: RoomCreatedSchema },
      problems: ['forbidden', 'no_such_user', 'rate_limited'],
      perform: async ({ body, user, address }) => direct(parts, user, body.username, address),
    }),
    route({
      method: 'get',
      path: '/api/rooms/:roomId',
      summary: 'The facts of a room.',
      door: 'token',
      cors: true,
      answers: { status: 200, schema: RoomFactsSchema },
      problems: ['no_such_room', 'rate_limited', 'busy'],
      perform: async ({ params, user }) => {
        return okOr(await factsFor(parts, params['roomId'], user))
      },
    }),
    route({
      method: 'post',
      path: '/api/rooms/:roomId',
      summary: 'Where the room is: its home, chosen now if it has none.',
      door: 'token',
      cors: true,
      answers: { status: 200, schema: RoomPlaceSchema },
      problems: ['no_such_room', 'no_server', 'rate_limited', 'busy'],
      perform: async ({ params, user }) => {
        const room = isRoomId(params['roomId']) ? await store.room(params['roomId']) : undefined
        if (room?.visibility !== 'public') {
          const seen = await acts.glance(params['roomId'], user)
          if ('refused' in seen) return seen
        }
        const outcome = await parts.place(params['roomId'])
        if (outcome === 'no_server') return refused(outcome, undefined, { 'retry-after': '2' })
        if (typeof outcome === 'string') return refused(outcome)
        const { placed } = outcome
        return ok({ roomId: placed.room, url: placed.home.url, home: placed.home.id })
      },
    }),
    route({
      method: 'post',
      path: '/api/rooms/:roomId/preview',
      summary: 'What a link leads to, for who could come in by it; it is not used up by that.',
      door: 'token',
      cors: true,
      body: JoinRoomSchema,
      answers: { status: 200, schema: RoomPreviewSchema },
      problems: ['no_such_room', 'forbidden', 'rate_limited', 'busy'],
      perform: async ({ params, user, body: { link } }) => {
        const hash = link === undefined ? undefined : hashOfLink(link)
        const seen = await acts.preview(params['roomId'], user, hash)
        if ('refused' in seen) return seen
        const { room, role, facts, count } = seen
        const shown = await factsOf(parts.people, user, room, role, facts)
        return ok(RoomPreviewSchema.parse({ ...shown, count }))
      },
    }),
    route({
      method: 'patch',
      path: '/api/rooms/:roomId',
      summary:
        'Changes a room: name, archive and retention are the owner’s, topic and slow mode the moderators’, too.',
      door: 'token',
      cors: true,
      body: ChangeRoomSchema,
      answers: { status: 200, schema: RoomFactsSchema },
      problems: ['no_such_room', 'forbidden', 'conflict', 'bad_name', 'rate_limited', 'busy'],
      perform: async ({ params, user, body, header }) => {
        const changes = changesIn(body)
        const key = header('idempotency-key')
        for (const act of changes) {
          const acted =
            act === 'bad_name'
              ? await refusedAfter(acts.glance(params['roomId'], user), act)
              : await acts.act(params['roomId'], user, act, key === undefined ? key : `${key} ${act.act}`)
          if ('refused' in acted) return acted
        }
        return okOr(await factsFor(parts, params['roomId'], user))
      },
    }),
    route({
      method: 'delete',
      path: '/api/rooms/:roomId',
      summary: 'Deletes a room for good, with all that was said there: its owner may.',
      door: 'token',
      cors: true,
      answers: { status: 200, schema: RoomDeletedSchema },
      problems: ['no_such_room', 'forbidden', 'rate_limited', 'busy'],
      perform: async ({ params, user }) => {
        const seen = await acts.glance(params['roomId'], user)
        if ('refused' in seen) return seen
        if (seen.role !== 'owner') return refused('forbidden', 'Only the owner may delete a room.')
        return ok({ pending: await parts.erasures.deleteRoom(seen.room.roomId) })
      },
    }),
  ]
}

/** What refuses the caller comes first; only then what is wrong with what he asked. */
async function refusedAfter(looking: Promise<object | Refused>, code: 'bad_name'): Promise<Refused> {
  const seen = await looking
  return 'refused' in seen ? seen : refused(code)
}

/** An archived room takes nothing else: so it is opened first, or closed last. */
function changesIn({ name, topic, slowMs, retentionDays, archived }: ChangeRoom): (Act | 'bad_name')[] {
  const normal = name === undefined ? undefined : normaliseRoomName(name)
  return [
    ...(archived === false ? [{ act: 'unarchive' as const }] : []),
    ...(name === undefined
      ? []
      : [normal === undefined ? 'bad_name' : { act: 'rename' as const, name: normal }]),
    ...(topic === undefined ? [] : [isTopic(topic) ? { act: 'topic' as const, topic } : 'bad_name']),
    ...(slowMs === undefined ? [] : [{ act: 'slow' as const, everyMs: slowMs }]),
    ...(retentionDays === undefined ? [] : [{ act: 'retention' as const, days: retentionDays }]),
    ...(archived === true ? [{ act: 'archive' as const }] : []),
  ] as (Act | 'bad_name')[]
}

async function create(
  { store, creations, now }: RoomsParts,
  user: User,
  made: Omit<Genesis, 'createdAt'>,
  address: string,
  fixedId?: string,
): Promise<string | Refused> {
  const retryMs = creations.take(address, now())
  if (retryMs > 0) return tooFast(retryMs)
  const genesis = { ...made, createdAt: Math.floor(now()) }
  const { name, visibility, createdAt } = genesis
  for (;;) {
    // 60 bits: short in a link, and not to be guessed. Should it be taken after all, the next one is not.
    const roomId = fixedId ?? randomBytes(9).toString('base64url').slice(0, 10)
    const isNew = await store.createRoom({ roomId, name, visibility, createdAt, createdBy: user.id, genesis })
    if (isNew || fixedId !== undefined) return roomId
  }
}

async function direct(parts: RoomsParts, user: User, username: string, address: string) {
  if (isGuest(user)) return refused('forbidden', 'Guests are nobody in particular: sign up first.')
  const other = await parts.people.byName(username)
  if (other === undefined) return refused('no_such_user')
  if (other.id === user.id) return refused('forbidden', 'It takes two.')
  const roomId = directRoomId(parts.fleetSecret, user.id, other.id)
  if ((await parts.store.room(roomId)) !== undefined) return ok({ roomId })
  if (await parts.people.isBlocked(user.id, other.id))
    return refused('forbidden', 'This person cannot be written to by you.')
  const people: [User, User] = [user, other]
  const made = await create(parts, user, { name: '', visibility: 'direct', people }, address, roomId)
  if (typeof made !== 'string') return made
  // Who blocked the other meanwhile found no room to tell.
  await parts.people.retellBlocks(user.id, other.id)
  return ok({ roomId })
}

async function listFor({ store, book, people }: RoomsParts, user: User): Promise<RoomFacts[]> {
  const [open, mine] = await Promise.all([
    store.publicRooms(MAX_LISTED),
    isGuest(user) ? [] : book.roomsOf(user.id, MAX_LISTED),
  ])
  const roleIn = new Map(mine.map(({ room, role }) => [room.roomId, role]))
  const listed = new Set(open.map(({ roomId }) => roomId))
  const more = mine.filter(({ room, role }) => role !== 'banned' && !listed.has(room.roomId))
  return Promise.all(
    [...open, ...more.map(({ room }) => room)].map((room) =>
      factsOf(people, user, room, roleIn.get(room.roomId)),
    ),
  )
}

/** Of a public room what the directory knows; of any other, what its home lets him see. */
async function factsFor(
  { store, book, acts, people }: RoomsParts,
  roomId: string | undefined,
  user: User,
): Promise<RoomFacts | Refused> {
  const room = isRoomId(roomId) ? await store.room(roomId) : undefined
  if (room?.visibility === 'public')
    return factsOf(people, user, room, await book.roleOf(room.roomId, user.id))
  const seen = await acts.glance(roomId, user)
  return 'refused' in seen ? seen : factsOf(people, user, seen.room, seen.role, seen.facts)
}

async function factsOf(
  people: People,
  user: User,
  room: RoomRecord,
  role: Role | undefined,
  seen?: Glance['facts'],
): Promise<RoomFacts> {
  const { roomId, visibility, createdAt, home, genesis } = room
  const facts = seen ?? room.facts ?? {}
  const two = await Promise.all(
    (genesis?.people ?? []).map(async (one) => (await people.byId(one.id)) ?? gone(one)),
  )
  const other = two.find(({ id }) => id !== user.id)
  return {
    ...{ roomId, name: other?.name ?? facts.name ?? room.name, visibility, createdAt },
    ...(home === undefined ? {} : { home }),
    ...(role === undefined || role === 'banned' ? {} : { membership: role }),
    ...(facts.topic === undefined || facts.topic === '' ? {} : { topic: facts.topic }),
    ...(facts.archived === true ? { archived: true } : {}),
    ...(facts.slowMs === undefined || facts.slowMs === 0 ? {} : { slowMs: facts.slowMs }),
    ...(typeof facts.retentionDays === 'number' ? { retentionDays: facts.retentionDays } : {}),
    ...(two.length === 0 ? {} : { people: two }),
  }
}

const gone = ({ id }: User): User => ({ id, name: DELETED_NAME })
