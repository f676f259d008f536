import { AcceptedSchema } from '@flotilla/protocol/control.ts'
import { OpenReportPageSchema } from '@flotilla/protocol/rooms-api.ts'
import { refused } from '../http/problem.ts'
import { ok, route, type Route } from '../http/route.ts'
import { BEFORE, beforeIn, nextOf, wholeNumber } from './paging.ts'
import { inContext } from './report-context.ts'
import type { RoomActs } from './room-acts.ts'
import type { RoomBook } from './room-book.ts'

const REPORTS_PER_PAGE = 20

export interface OperatorParts {
  acts: RoomActs
  book: RoomBook
}

/**
 * What the operator of the fleet is asked to look into: between two people, in `general` and in rooms of guests nobody keeps
 * order, so that what is reported there would be read by nobody.
 */
export function operatorRoutes({ acts, book }: OperatorParts): Route[] {
  return [
    route({
      method: 'get',
      path: '/internal/reports',
      summary:
        'What was reported in rooms that nobody keeps, with what was said around it, the newest first: for the operator.',
      door: 'fleet',
      cors: false,
      query: { ...BEFORE, all: 'Also of rooms that have an owner or moderators, who read them, too.' },
      answers: { status: 200, schema: OpenReportPageSchema },
      problems: ['bad_request'],
      perform: async ({ query }) => {
        const from = beforeIn(query)
        if ('refused' in from) return from
        const { before = Number.MAX_SAFE_INTEGER } = from
        const page = await book.openReports(before, REPORTS_PER_PAGE, query.has('all'))
        const shown = await Promise.all(page.map((report) => inContext(acts, report.roomId, report)))
        return ok({ reports: shown, ...nextOf(page, REPORTS_PER_PAGE, page.at(-1)?.id) })
      },
    }),
    route({
      method: 'delete',
      path: '/internal/reports/:reportId',
      summary: 'A report has been dealt with: it is forgotten.',
      door: 'fleet',
      cors: false,
      answers: { status: 200, schema: AcceptedSchema },
      problems: ['not_found'],
      perform: async ({ params }) => {
        const id = wholeNumber(params['reportId'] ?? '', 1)
        const isForgotten = id !== undefined && (await book.forgetReport(id))
        return isForgotten ? ok({}) : refused('not_found', 'There is no report of this number.')
      },
    }),
  ]
}
