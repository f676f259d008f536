import { AcceptedSchema } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { AuditPageSchema, MakeReportSchema, ReportPageSchema } from '@flotilla/protocol/rooms-api.ts'
import { refused, type Refused } from '../http/problem.ts'
import { tooFast, type RateLimit } from '../http/rate-limit.ts'
import { okOr, route, type Route, type Schema } from '../http/route.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { BEFORE, beforeIn, nextOf } from './paging.ts'
import { inContext } from './report-context.ts'
import type { Glance, RoomActs } from './room-acts.ts'
import type { RoomBook } from './room-book.ts'

const AUDIT_PER_PAGE = 200
const REPORTS_PER_PAGE = 20

export interface OversightParts {
  acts: RoomActs
  book: RoomBook
  /** By user. */
  reports: RateLimit
  metrics: Metrics
  log: Logger
  now: () => number
}

/** What the owner and the moderators of a room can look into, and what is brought before them. */
export function oversightRoutes({ acts, book, reports, metrics, log, now }: OversightParts): Route[] {
  /** A list of the room, the newest first, a page at a time. */
  const lookingInto = (
    name: string,
    summary: string,
    schema: Schema,
    page: (roomId: RoomId, before: number | undefined) => Promise<object | Refused>,
  ): Route =>
    route({
      ...{ method: 'get', path: `/api/rooms/:roomId/${name}`, summary, door: 'token', cors: true },
      query: BEFORE,
      answers: { status: 200, schema },
      problems: ['no_such_room', 'forbidden', 'rate_limited', 'busy', 'bad_request'],
      perform: async ({ params, query, user }) => {
        const from = beforeIn(query)
        if ('refused' in from) return from
        const seen = await acts.glance(params['roomId'], user)
        if ('refused' in seen) return seen
        if (!isTrusted(seen)) return refused('forbidden', 'For the owner and the moderators only.')
        return okOr(await page(seen.room.roomId, from.before))
      },
    })

  /** Whoever may read it is told that it waits; never what it says. */
  const waits = async (roomId: RoomId, seq: number) => {
    const isKept = await book.isKept(roomId)
    metrics.roomReports.inc({ reader: isKept ? 'room' : 'operator' })
    if (!isKept) log.warn({ room: roomId, seq }, 'a report waits for the operator: nobody keeps this room')
  }

  return [
    lookingInto(
      'audit',
      'What was done to the room and deleted in it, the newest first: for owner and moderators.',
      AuditPageSchema,
      async (roomId, before) => {
        const entries = await acts.audit(roomId, before, AUDIT_PER_PAGE)
        if ('refused' in entries) return entries
        return { entries, ...nextOf(entries, AUDIT_PER_PAGE, entries.at(-1)?.seq) }
      },
    ),
    route({
      method: 'post',
      path: '/api/rooms/:roomId/reports',
      summary:
        'Tells the owner and the moderators of something that was said here; where there are none, the operator of the fleet.',
      door: 'token',
      cors: true,
      body: MakeReportSchema,
      answers: { status: 201, schema: AcceptedSchema },
      problems: ['no_such_room', 'forbidden', 'conflict', 'rate_limited', 'busy'],
      perform: async ({ params, user, body: { seq, reason } }) => {
        const retryMs = reports.take(user.id, now())
        if (retryMs > 0) return tooFast(retryMs)
        const seen = await acts.glance(params['roomId'], user)
        if ('refused' in seen) return seen
        if (seen.room.visibility !== 'public' && seen.role === 'invited')
          return refused('forbidden', 'Join it first.')
        const { roomId } = seen.room
        const read = await acts.read(roomId, { after: seq - 1 }, 1)
        if ('refused' in read) return read
        const [entry] = read
        if (entry?.seq !== seq || entry.type === 'system')
          return refused('conflict', 'Nothing that was said has this number.')
        const made = await book.report(roomId, { seq, reason, by: user, at: now() })
        if (made === 'full') {
          log.warn({ room: roomId }, 'as many reports wait in this room as may')
          return refused('conflict', 'As many reports wait here as may.')
        }
        if (made === 'added') await waits(roomId, seq)
        return { status: 201, json: {} }
      },
    }),
    lookingInto(
      'reports',
      'What was reported, with what was said around it, the newest first: for owner and moderators.',
      ReportPageSchema,
      async (roomId, before = Number.MAX_SAFE_INTEGER) => {
        const page = await book.reports(roomId, before, REPORTS_PER_PAGE)
        const shown = await Promise.all(page.map((report) => inContext(acts, roomId, report)))
        return { reports: shown, ...nextOf(page, REPORTS_PER_PAGE, page.at(-1)?.id) }
      },
    ),
  ]
}

const isTrusted = ({ role }: Glance) => role === 'owner' || role === 'moderator'
