import type { Act } from '@flotilla/protocol/acts.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import {
  ActedSchema,
  BanSchema,
  GiveRoleSchema,
  InviteSchema,
  JoinRoomSchema,
  LinkListSchema,
  LinkMadeSchema,
  MakeLinkSchema,
  MemberPageSchema,
  MuteSchema,
  WhomSchema,
  type Acted,
} from '@flotilla/protocol/rooms-api.ts'
import type * as z from 'zod/mini'
import { refused, type Refused } from '../http/problem.ts'
import { ok, okOr, route, type Call, type Route, type Schema } from '../http/route.ts'
import { hashOfLink, newLinkSecret } from './link-secret.ts'
import { wholeNumber } from './paging.ts'
import type { RoomActs } from './room-acts.ts'

const MINUTE_MS = 60_000
const MEMBERS_PER_PAGE = 200

export interface MembershipParts {
  acts: RoomActs
  now: () => number
}

/** Who comes, goes, and may do what in a room. */
export function membershipRoutes({ acts, now }: MembershipParts): Route[] {
  const after = (minutes: number) => Math.floor(now()) + minutes * MINUTE_MS
  const keyOf = ({ header }: Call) => header('idempotency-key')

  /** A call that is one act of the caller's on the room. */
  const acting = <S extends Schema>(
    name: string,
    summary: string,
    body: S | undefined,
    perform: (call: Call<z.infer<S>>, key: string | undefined) => Promise<Acted | Refused>,
  ): Route =>
    route({
      ...{ method: 'post', path: `/api/rooms/:roomId/${name}`, summary, door: 'token', cors: true },
      ...(body === undefined ? {} : { body }),
      answers: { status: 200, schema: ActedSchema },
      problems: ['no_such_room', 'forbidden', 'conflict', 'rate_limited', 'busy'],
      perform: async (call: Call<z.infer<S>>) => {
        return okOr(await perform(call, keyOf(call)))
      },
    })

  /** … on somebody. */
  const actingOn = <S extends Schema & { _zod: { output: { user: string } } }>(
    name: string,
    summary: string,
    body: S,
    toAct: (user: User, body: z.infer<S>) => Act,
  ): Route => {
    const made = acting(name, summary, body, ({ params, user, body: given }, key) =>
      acts.actOn(params['roomId'], user, { id: given.user }, (whom) => toAct(whom, given), key),
    )
    return { ...made, problems: [...made.problems, 'no_such_user'] }
  }
  const because = ({ reason }: { reason?: string | undefined }) => (reason === undefined ? {} : { reason })

  return [
    acting(
      'join',
      'Becomes a member: of a public room, or as one who was invited or has a link.',
      JoinRoomSchema,
      ({ params, user, body }, key) =>
        acts.act(
          params['roomId'],
          user,
          { act: 'join', ...(body.link === undefined ? {} : { link: hashOfLink(body.link) }) },
          key,
        ),
    ),
    acting('leave', 'Is a member no more; or turns an invitation down.', undefined, ({ params, user }, key) =>
      acts.act(params['roomId'], user, { act: 'leave' }, key),
    ),
    {
      ...acting('invite', 'Lets somebody join.', InviteSchema, ({ params, user, body }, key) =>
        acts.actOn(
          params['roomId'],
          user,
          { name: body.username },
          (whom) => ({ act: 'invite', user: whom }),
          key,
        ),
      ),
      problems: ['no_such_room', 'forbidden', 'conflict', 'rate_limited', 'busy', 'no_such_user'],
    },
    actingOn('uninvite', 'Takes an invitation back.', WhomSchema, (user) => ({ act: 'uninvite', user })),
    actingOn('remove', 'Sends somebody out of the room.', WhomSchema, (user, body) => ({
      ...{ act: 'remove', user, ...because(body) },
    })),
    actingOn('ban', 'Sends somebody out and keeps him out.', BanSchema, (user, body) => ({
      ...{ act: 'ban', user, ...because(body) },
      ...(body.minutes === undefined ? {} : { until: after(body.minutes) }),
    })),
    actingOn('unban', 'Lets somebody who was banned come again.', WhomSchema, (user) => ({
      act: 'unban',
      user,
    })),
    actingOn('mute', 'Lets somebody read, but say nothing, for a time.', MuteSchema, (user, body) => ({
      ...{ act: 'mute', user, until: after(body.minutes), ...because(body) },
    })),
    actingOn('unmute', 'Lets somebody who was muted speak again.', WhomSchema, (user) => ({
      act: 'unmute',
      user,
    })),
    actingOn(
      'role',
      'Makes a member a moderator, or a moderator a member.',
      GiveRoleSchema,
      (user, { role }) => ({
        ...{ act: 'role', user, role },
      }),
    ),
    actingOn('owner', 'Hands the room over to a member.', WhomSchema, (user) => ({ act: 'owner', user })),
    route({
      method: 'get',
      path: '/api/rooms/:roomId/members',
      summary:
        'Who is a member, in the order in which they came; for moderators also who is invited or banned.',
      door: 'token',
      cors: true,
      query: {
        after: 'The `next` of the page before.',
        limit: `Most members on a page, up to ${MEMBERS_PER_PAGE}.`,
      },
      answers: { status: 200, schema: MemberPageSchema },
      problems: ['no_such_room', 'forbidden', 'rate_limited', 'busy', 'bad_request'],
      perform: async ({ params, user, query }) => {
        const limit = wholeNumber(query.get('limit') ?? String(MEMBERS_PER_PAGE), 1)
        if (limit === undefined) return refused('bad_request', '`limit` is a whole number from 1.')
        const seen = await acts.look(params['roomId'], user)
        if ('refused' in seen) return seen
        const { members, invited, banned, role, room } = seen
        if (room.visibility !== 'public' && role === 'invited') return refused('forbidden', 'Join it first.')
        const last = query.get('after')
        const from = last === null ? 0 : members.findIndex(({ user: { id } }) => id === last) + 1
        if (last !== null && from === 0)
          return refused('bad_request', 'Whom `after` names is a member no more: start again.')
        const page = members.slice(from, from + Math.min(limit, MEMBERS_PER_PAGE))
        const next = from + page.length < members.length ? page.at(-1)?.user.id : undefined
        const isTrusted = role === 'owner' || role === 'moderator'
        return ok({
          ...{ members: page, count: members.length },
          ...(next === undefined ? {} : { next }),
          ...(isTrusted && from === 0 ? { invited, banned } : {}),
        })
      },
    }),
    route({
      method: 'post',
      path: '/api/rooms/:roomId/links',
      summary: 'A link by which anybody with an account can join a private room, until it ends.',
      door: 'token',
      cors: true,
      body: MakeLinkSchema,
      answers: { status: 201, schema: LinkMadeSchema },
      problems: ['no_such_room', 'forbidden', 'rate_limited', 'busy'],
      perform: async ({ params, user, body: { expiresInMs, uses } }) => {
        const link = newLinkSecret()
        const made = {
          ...{ hash: hashOfLink(link), until: Math.floor(now()) + expiresInMs },
          ...(uses === undefined ? {} : { uses }),
        }
        const acted = await acts.act(params['roomId'], user, { act: 'link', ...made })
        return 'refused' in acted ? acted : { status: 201, json: { link, ...made } }
      },
    }),
    route({
      method: 'get',
      path: '/api/rooms/:roomId/links',
      summary: 'The links that are good now, without their secrets: for the owner.',
      door: 'token',
      cors: true,
      answers: { status: 200, schema: LinkListSchema },
      problems: ['no_such_room', 'forbidden', 'rate_limited', 'busy'],
      perform: async ({ params, user }) => {
        const seen = await acts.look(params['roomId'], user)
        if ('refused' in seen) return seen
        if (seen.role !== 'owner') return refused('forbidden', 'Only the owner may do that.')
        return ok(seen.links)
      },
    }),
    route({
      method: 'delete',
      path: '/api/rooms/:roomId/links/:hash',
      summary: 'Ends a link.',
      door: 'token',
      cors: true,
      answers: { status: 200, schema: ActedSchema },
      problems: ['no_such_room', 'forbidden', 'rate_limited', 'busy', 'bad_request'],
      perform: async (call) => {
        const { params, user } = call
        const { hash = '' } = params
        if (!/^[0-9a-f]{64}$/.test(hash)) return refused('bad_request', 'A link is named by its hash.')
        return okOr(await acts.act(params['roomId'], user, { act: 'unlink', hash }, keyOf(call)))
      },
    }),
  ]
}
