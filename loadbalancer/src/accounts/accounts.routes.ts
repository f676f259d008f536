import { LoggedInSchema, LoginSchema, MeSchema, type LoggedIn } from '@flotilla/protocol/control.ts'
import { guestId, normaliseName } from '@flotilla/protocol/frames.ts'
import { refused } from '../http/problem.ts'
import { tooFast, type RateLimit } from '../http/rate-limit.ts'
import { ok, route, type Route } from '../http/route.ts'
import type { Metrics } from '../metrics.ts'
import type { Tokens } from './tokens.ts'

export interface AccountsParts {
  tokens: Tokens
  /** Guests are let in. */
  guests: boolean
  logins: RateLimit
  metrics: Metrics
  now: () => number
}

export function accountsRoutes({ tokens, guests, logins, metrics, now }: AccountsParts): Route[] {
  return [
    route({
      method: 'post',
      path: '/api/login',
      summary: 'Lets a guest in by name.',
      door: 'anyone',
      cors: true,
      body: LoginSchema,
      answers: { status: 200, schema: LoggedInSchema },
      problems: ['bad_name', 'not_supported', 'guests_off', 'rate_limited'],
      perform: async ({ body, address }) => {
        const retryMs = logins.take(address, now())
        if (retryMs > 0) return tooFast(retryMs)
        if (body.password !== undefined)
          return refused('not_supported', 'Accounts come later; leave the password out.')
        if (!guests) return refused('guests_off')
        const name = normaliseName(body.username)
        if (name === undefined) return refused('bad_name')
        const user = { id: guestId(name), name }
        metrics.logins.inc({ kind: 'guest' })
        return ok({ ...(await tokens.issue(user, now())), user } satisfies LoggedIn)
      },
    }),
    route({
      method: 'get',
      path: '/api/me',
      summary: 'Whose token this is.',
      door: 'token',
      cors: true,
      answers: { status: 200, schema: MeSchema },
      problems: [],
      perform: ({ user }) => ok({ user }),
    }),
  ]
}
