import { AcceptedSchema, PlacedSchema, PlaceSchema, TakenSchema } from '@flotilla/protocol/control.ts'
import { refused } from '../http/problem.ts'
import { ok, route, type Route } from '../http/route.ts'
import type { DirectoryStore } from './directory-store.ts'
import type { Place } from './placing.ts'

export interface InternalParts {
  store: DirectoryStore
  place: Place
  /** Probes this server, and resolves when it is known whether it answers. */
  suspect: (id: string) => Promise<void>
  now: () => number
}

/** What chat servers ask and tell of rooms. */
export function internalRoutes({ store, place, suspect, now }: InternalParts): Route[] {
  return [
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
        if (body.unreachable !== undefined) await suspect(body.unreachable)
        const outcome = await place(body.room, body.server, body.leaving)
        if (outcome === 'no_server') return refused(outcome, undefined, { 'retry-after': '2' })
        return typeof outcome === 'string' ? refused(outcome) : ok(outcome.placed)
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
