import { isGuest } from '@flotilla/protocol/acts.ts'
import type { Peer } from '@flotilla/protocol/control.ts'
import type { User, UserId } from '@flotilla/protocol/frames.ts'
import { LogEntrySchema } from '@flotilla/protocol/rooms-api.ts'
import * as z from 'zod/mini'
import { refused } from '../http/problem.ts'
import { tooFast, type RateLimit } from '../http/rate-limit.ts'
import { route, type Lines, type Route } from '../http/route.ts'
import type { HomeClient } from './home-client.ts'
import type { People } from './people.ts'
import type { Look, RoomActs, Seen } from './room-acts.ts'
import type { RoomBook } from './room-book.ts'

const LINES = 'application/x-ndjson'
/** Exports at once, of one person one; each holds no more than a page of entries in memory. */
const MAX_EXPORTS = 4
const ENTRIES_PER_PAGE = 200
const READ_MS = 5_000

const OwnSchema = z.object({
  entries: z.array(LogEntrySchema),
  /** Given as `after`, it leads to what follows. Absent: that was all. */
  next: z.optional(z.string()),
  /** Whether what is kept elsewhere of these rooms could be read, too. */
  isWhole: z.boolean(),
})

export interface ExportParts {
  acts: RoomActs
  book: RoomBook
  people: People
  client: HomeClient
  /** Those that may answer now, and the ids of all that may have something. */
  servers: () => Peer[]
  allServers: () => Promise<string[]>
  /** By user. */
  exports: RateLimit
  now: () => number
}

/** What is kept of a room, or of oneself: one JSON object a line. The last one says whether that was all. */
export function exportRoutes(parts: ExportParts): Route[] {
  const underway = new Set<UserId>()
  const problems = ['forbidden', 'rate_limited', 'busy'] as const

  /** Lines that are made while they are read, by no more than so many at a time. */
  const streamed = (user: User, make: () => AsyncGenerator<object>) => {
    const retryMs = parts.exports.take(user.id, parts.now())
    if (retryMs > 0) return tooFast(retryMs)
    if (underway.size >= MAX_EXPORTS || underway.has(user.id))
      return refused('busy', undefined, { 'retry-after': '10' })
    underway.add(user.id)
    const ended = () => underway.delete(user.id)
    return { status: 200, type: LINES, lines: jsonLines(make()), ended } satisfies Lines
  }

  return [
    route({
      method: 'get',
      path: '/api/rooms/:roomId/export',
      summary: 'All that is kept of a room: for its owner.',
      door: 'token',
      cors: true,
      answers: { status: 200, type: LINES },
      problems: ['no_such_room', ...problems],
      perform: async ({ params, user }) => {
        const seen = await parts.acts.look(params['roomId'], user)
        if ('refused' in seen) return seen
        if (seen.role !== 'owner') return refused('forbidden', 'Only the owner may do that.')
        return streamed(user, () => roomLines(parts.acts, seen))
      },
    }),
    route({
      method: 'get',
      path: '/api/me/export',
      summary: 'All that is kept of one’s own account: itself, its rooms, what it said.',
      door: 'token',
      cors: true,
      answers: { status: 200, type: LINES },
      problems: [...problems],
      perform: ({ user }) =>
        isGuest(user)
          ? refused('forbidden', 'Anybody may come by the name of a guest: sign up first.')
          : streamed(user, () => ownLines(parts, user)),
    }),
  ]
}

async function* jsonLines(objects: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const each of objects) yield `${JSON.stringify(each)}\n`
}

async function* roomLines(acts: RoomActs, seen: Seen<Look>): AsyncGenerator<object> {
  const { room, genesis, facts, members, invited, banned, links } = seen
  yield { type: 'room', roomId: room.roomId, genesis, facts, members, invited, banned, links }
  for (let after = 0; ;) {
    const page = await acts.read(room.roomId, { after }, ENTRIES_PER_PAGE)
    if ('refused' in page) {
      yield { type: 'end', complete: false, after }
      return
    }
    yield* page
    const last = page.at(-1)?.seq
    if (last === undefined) break
    after = last
  }
  yield { type: 'end', complete: true }
}

async function* ownLines(parts: ExportParts, user: User): AsyncGenerator<object> {
  const { people, book, servers, allServers } = parts
  const records = await people.recordsOf(user.id)
  yield* records
  for (const { room, role } of await book.roomsOf(user.id, -1))
    yield { type: 'room', roomId: room.roomId, name: room.name, visibility: room.visibility, role }
  const formerly = records.flatMap(({ formerly: guest }) => (guest === undefined ? [] : [guest]))
  // A room that moves meanwhile may come twice; its entries are told once.
  const told = new Told()
  const missing = new Set(await allServers())
  for (const server of servers()) {
    let isWhole = true
    for (const id of [user.id, ...formerly]) {
      for await (const page of pagesOf(parts.client, server, id)) {
        for (const entry of page?.entries ?? []) if (told.add(entry.room, entry.seq)) yield entry
        isWhole &&= page?.isWhole === true
      }
    }
    if (isWhole) missing.delete(server.id)
  }
  yield { type: 'end', complete: missing.size === 0, ...(missing.size > 0 ? { missing: [...missing] } : {}) }
}

/** What he said in the rooms of one server; undefined at last, if it stopped answering. */
async function* pagesOf(client: HomeClient, server: Peer, user: UserId) {
  for (let after: string | undefined; ;) {
    const asked = { user, limit: ENTRIES_PER_PAGE, ...(after === undefined ? {} : { after }) }
    const reply = await client.call(server, '/internal/entries-of', asked, READ_MS)
    const page = reply.is === 'ok' ? OwnSchema.parse(reply.body) : undefined
    yield page
    after = page?.next
    if (after === undefined) return
  }
}

const WORD_BITS = 32

/** Which entries were told: four bytes for up to 32 neighbours of a room. */
class Told {
  readonly #words = new Map<string, number>()

  /** @returns whether it is new */
  add(room: string, seq: number): boolean {
    const key = `${room} ${Math.floor(seq / WORD_BITS)}`
    const bit = 1 << (seq % WORD_BITS)
    const word = this.#words.get(key) ?? 0
    if ((word & bit) !== 0) return false
    this.#words.set(key, word | bit)
    return true
  }
}
