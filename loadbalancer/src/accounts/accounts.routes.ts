import {
  BlockListSchema,
  ChangeMeSchema,
  ChangePasswordSchema,
  DeleteMeSchema,
  LoggedInSchema,
  LoginSchema,
  MeSchema,
  SessionListSchema,
  SignedUpSchema,
  SignUpSchema,
} from '@flotilla/protocol/accounts.ts'
import { AcceptedSchema } from '@flotilla/protocol/control.ts'
import type { CookieJar } from '../http/cookies.ts'
import { bearerToken } from '../http/mount.ts'
import { refused, type Refused } from '../http/problem.ts'
import { tooFast, type RateLimit } from '../http/rate-limit.ts'
import { ok, okOr, route, type Answer, type Route } from '../http/route.ts'
import type { Accounts } from './accounts.ts'
import { REFRESH_COOKIE } from './secrets.ts'
import type { Sessions, SignedIn } from './sessions.ts'

export interface AccountsRoutesParts {
  accounts: Accounts
  sessions: Sessions
  cookies: CookieJar
  /** By address, guests too. */
  logins: RateLimit
  now: () => number
}

export function accountsRoutes(parts: AccountsRoutesParts): Route[] {
  return [...doors(parts), ...ofMe(parts), ...ofSessions(parts), ...ofBlocks(parts)]
}

/** In and out: for whoever comes. */
function doors({ accounts, sessions, logins, now }: AccountsRoutesParts): Route[] {
  const shared = { method: 'post', door: 'anyone', cors: true } as const
  return [
    route({
      ...shared,
      path: '/api/signup',
      summary:
        'Makes an account. With the token of a guest of the same name, what that guest said is its own.',
      body: SignUpSchema,
      answers: { status: 201, schema: SignedUpSchema },
      problems: ['bad_name', 'bad_password', 'username_taken', 'rate_limited', 'busy'],
      perform: async ({ body, address, header }) => {
        const token = bearerToken(header('authorization'))
        const user = await accounts.signUp(body.username, body.password, { address, token })
        return 'refused' in user ? user : { status: 201, json: { user } }
      },
    }),
    route({
      ...shared,
      path: '/api/login',
      summary: 'Signs in with a password, or lets a guest in by name alone.',
      body: LoginSchema,
      answers: { status: 200, schema: LoggedInSchema },
      problems: ['bad_name', 'wrong_password', 'username_taken', 'guests_off', 'rate_limited', 'busy'],
      perform: async (call) => {
        const { username, password } = call.body
        const retryMs = logins.take(call.address, now())
        if (retryMs > 0) return tooFast(retryMs)
        return signedIn(
          password === undefined
            ? await sessions.enterAsGuest(username)
            : await sessions.enter(username, password, call),
        )
      },
    }),
    route({
      ...shared,
      path: '/api/token',
      summary:
        'A fresh token for the session of the refresh cookie, which is good once: the next one comes along.',
      answers: { status: 200, schema: LoggedInSchema },
      problems: ['unauthenticated'],
      perform: async (call) => signedIn(await sessions.refresh(call)),
    }),
    route({
      ...shared,
      path: '/api/logout',
      summary: 'Ends the session of the refresh cookie, and that of the token if there is one.',
      answers: { status: 200, schema: AcceptedSchema },
      problems: [],
      perform: async (call) =>
        ok({}, { 'set-cookie': await sessions.leave(call, bearerToken(call.header('authorization'))) }),
    }),
  ]
}

function ofMe({ accounts, cookies }: AccountsRoutesParts): Route[] {
  const shared = { door: 'token', cors: true } as const
  return [
    route({
      ...shared,
      method: 'get',
      path: '/api/me',
      summary: 'Whose token this is.',
      answers: { status: 200, schema: MeSchema },
      problems: [],
      perform: async (call) => ok(await accounts.me(call)),
    }),
    route({
      ...shared,
      method: 'patch',
      path: '/api/me',
      summary: 'Another name. Tokens with the old one end; one with the new one comes back.',
      body: ChangeMeSchema,
      answers: { status: 200, schema: LoggedInSchema },
      problems: ['bad_name', 'username_taken', 'forbidden', 'rate_limited'],
      perform: async (call) => {
        const { username = call.user.name } = call.body
        return okOr(await accounts.rename(call, username))
      },
    }),
    route({
      ...shared,
      method: 'post',
      path: '/api/me/password',
      summary: 'Another password. All sessions but this one end.',
      body: ChangePasswordSchema,
      answers: { status: 200, schema: AcceptedSchema },
      problems: ['wrong_password', 'bad_password', 'forbidden', 'rate_limited', 'busy'],
      perform: async (call) => {
        const cookie = await accounts.changePassword(call, call.body, call)
        return typeof cookie === 'string' ? ok({}, { 'set-cookie': [cookie] }) : cookie
      },
    }),
    route({
      ...shared,
      method: 'delete',
      path: '/api/me',
      summary: 'Removes the account. What it said stays, under the name “deleted user”.',
      body: DeleteMeSchema,
      answers: { status: 200, schema: AcceptedSchema },
      problems: ['wrong_password', 'forbidden', 'rate_limited', 'busy'],
      perform: async (call) => {
        const outcome = await accounts.remove(call, call.body.password, call)
        if (outcome !== 'removed') return outcome
        return ok({}, { 'set-cookie': [cookies.clear(REFRESH_COOKIE)] })
      },
    }),
  ]
}

function ofSessions({ sessions, cookies }: AccountsRoutesParts): Route[] {
  const shared = { door: 'token', cors: true } as const
  return [
    route({
      ...shared,
      method: 'get',
      path: '/api/sessions',
      summary: 'The sessions of this account that have not ended; a guest has none.',
      answers: { status: 200, schema: SessionListSchema },
      problems: [],
      perform: async ({ user, session }) => ok(await sessions.list(user.id, session)),
    }),
    route({
      ...shared,
      method: 'delete',
      path: '/api/sessions',
      summary: 'Ends all sessions of this account but this one.',
      query: { all: 'This one, too.' },
      answers: { status: 200, schema: AcceptedSchema },
      problems: [],
      perform: async ({ user, session, query }) => {
        const isAll = query.has('all')
        await sessions.end(user.id, { but: isAll ? undefined : session })
        return isAll ? ok({}, { 'set-cookie': [cookies.clear(REFRESH_COOKIE)] }) : ok({})
      },
    }),
    route({
      ...shared,
      method: 'delete',
      path: '/api/sessions/:sessionId',
      summary: 'Ends one session of this account.',
      answers: { status: 200, schema: AcceptedSchema },
      problems: ['not_found'],
      perform: async ({ user, params }) => {
        const ended = await sessions.end(user.id, { only: params['sessionId'] ?? '' })
        return ended > 0 ? ok({}) : refused('not_found', 'This account has no such session.')
      },
    }),
  ]
}

function ofBlocks({ accounts }: AccountsRoutesParts): Route[] {
  const shared = { door: 'token', cors: true } as const
  return [
    route({
      ...shared,
      method: 'get',
      path: '/api/blocks',
      summary: 'Whom this account blocks.',
      answers: { status: 200, schema: BlockListSchema },
      problems: [],
      perform: async (call) => ok(await accounts.blocks(call)),
    }),
    route({
      ...shared,
      method: 'put',
      path: '/api/blocks/:userId',
      summary: 'Blocks a person: neither writes to the other directly, nor invites the other.',
      answers: { status: 200, schema: AcceptedSchema },
      problems: ['no_such_user', 'too_many', 'forbidden', 'bad_request', 'rate_limited', 'busy'],
      perform: async (call) => done(await accounts.block(call, call.params['userId'] ?? '')),
    }),
    route({
      ...shared,
      method: 'delete',
      path: '/api/blocks/:userId',
      summary: 'Blocks a person no more.',
      answers: { status: 200, schema: AcceptedSchema },
      problems: ['forbidden', 'rate_limited', 'busy'],
      perform: async (call) => done(await accounts.unblock(call, call.params['userId'] ?? '')),
    }),
  ]
}

function signedIn(outcome: SignedIn | Refused): Answer | Refused {
  if ('refused' in outcome) return outcome
  const { login, cookies } = outcome
  return cookies.length === 0 ? ok(login) : ok(login, { 'set-cookie': cookies })
}

function done(outcome: 'done' | Refused): Answer | Refused {
  return outcome === 'done' ? ok({}) : outcome
}
