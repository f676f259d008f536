import { AcceptedSchema } from '@flotilla/protocol/control.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import { AuditPageSchema, MakeReportSchema, ReportPageSchema } from '@flotilla/protocol/rooms-api.ts'
import { refused } from '../http/problem.ts'
import { tooFast, type RateLimit } from '../http/rate-limit.ts'
import { ok, route, type Call, type Route } from '../http/route.ts'
import { wholeNumber } from './paging.ts'
import type { Glance, RoomActs } from './room-acts.ts'
import type { ReportRecord, RoomBook } from './room-book.ts'

const AUDIT_PER_PAGE = 200
const REPORTS_PER_PAGE = 20
/** Entries shown on either side of a reported one. */
const CONTEXT = 5

export interface OversightParts {
  acts: RoomActs
  book: RoomBook
  /** By user. */
  reports: RateLimit
  now: () => number
}

/** What the owner and the moderators of a room can look into, and what is brought before them. */
export function oversightRoutes({ acts, book, reports, now }: OversightParts): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/rooms/:roomId/audit',
      summary: 'What was done to the room and deleted in it, the newest first: for owner and moderators.',
      door: 'token',
      cors: true,
      query: { before: 'The `next` of the page before.' },
      answers: { status: 200, schema: AuditPageSchema },
      problems: ['no_such_room', 'forbidden', 'rate_limited', 'busy', 'bad_request'],
      perform: async (call) => {
        const before = beforeOf(call)
        if (before === 'wrong') return refused('bad_request', '`before` is a whole number from 1.')
        const seen = await trusted(acts, call.params['roomId'], call.user)
        if ('refused' in seen) return seen
        const entries = await acts.audit(seen.room.roomId, before, AUDIT_PER_PAGE)
        if ('refused' in entries) return entries
        const last = entries.length === AUDIT_PER_PAGE ? entries.at(-1)?.seq : undefined
        return ok({ entries, ...(last === undefined || last === 1 ? {} : { next: last }) })
      },
    }),
    route({
      method: 'post',
      path: '/api/rooms/:roomId/reports',
      summary: 'Tells the owner and the moderators of something that was said here.',
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
        return made === 'full'
          ? refused('conflict', 'As many reports wait here as may.')
          : { status: 201, json: {} }
      },
    }),
    route({
      method: 'get',
      path: '/api/rooms/:roomId/reports',
      summary: 'What was reported, with what was said around it, the newest first: for owner and moderators.',
      door: 'token',
      cors: true,
      query: { before: 'The `next` of the page before.' },
      answers: { status: 200, schema: ReportPageSchema },
      problems: ['no_such_room', 'forbidden', 'rate_limited', 'busy', 'bad_request'],
      perform: async (call) => {
        const before = beforeOf(call)
        if (before === 'wrong') return refused('bad_request', '`before` is a whole number from 1.')
        const seen = await trusted(acts, call.params['roomId'], call.user)
        if ('refused' in seen) return seen
        const { roomId } = seen.room
        const page = await book.reports(roomId, before ?? Number.MAX_SAFE_INTEGER, REPORTS_PER_PAGE)
        const shown = await Promise.all(page.map((report) => inContext(acts, roomId, report)))
        const next = page.length === REPORTS_PER_PAGE ? page.at(-1)?.id : undefined
        return ok({ reports: shown, ...(next === undefined || next === 1 ? {} : { next }) })
      },
    }),
  ]
}

function beforeOf({ query }: Call): number | undefined | 'wrong' {
  const text = query.get('before')
  return text === null ? undefined : (wholeNumber(text, 1) ?? 'wrong')
}

async function trusted(acts: RoomActs, roomId: string | undefined, user: User) {
  const seen = await acts.glance(roomId, user)
  if ('refused' in seen) return seen
  return isTrusted(seen) ? seen : refused('forbidden', 'For the owner and the moderators only.')
}

const isTrusted = ({ role }: Glance) => role === 'owner' || role === 'moderator'

async function inContext(acts: RoomActs, roomId: string, report: ReportRecord) {
  const read = await acts.read(roomId, { after: Math.max(0, report.seq - 1 - CONTEXT) }, 2 * CONTEXT + 1)
  // What cannot be read now is not shown: the report itself is.
  return { ...report, context: 'refused' in read ? [] : read }
}
