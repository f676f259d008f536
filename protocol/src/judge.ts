import { isGuest, type Act } from './acts.ts'
import { refuse, type Refusal } from './errors.ts'
import type { User } from './frames.ts'
import { isStanding, RANK, type Role, type Roster, type Standing } from './roster.ts'

/**
 * Who may do what to a room. Judged at the room's home, in the order of acceptance, by what stands in the log and what was
 * accepted before.
 */

/** What becomes of an act: refused, an entry, or nothing, as all is so already (without `event`). */
export type Verdict =
  Refusal | { ok: true; event: string; data?: object } | { ok: true; event?: undefined; data?: undefined }

/** The least who may; what is not named here anybody does to himself. */
const NEEDED: Partial<Record<Act['act'], Standing>> = {
  invite: 'moderator',
  uninvite: 'moderator',
  remove: 'moderator',
  ban: 'moderator',
  unban: 'moderator',
  mute: 'moderator',
  unmute: 'moderator',
  topic: 'moderator',
  slow: 'moderator',
  role: 'owner',
  owner: 'owner',
  rename: 'owner',
  archive: 'owner',
  unarchive: 'owner',
  link: 'owner',
  unlink: 'owner',
  retention: 'owner',
}
/** All that an archived room still takes. */
const IN_ARCHIVE = new Set<Act['act']>(['archive', 'unarchive', 'leave', 'name'])
/** All that there is between two people. */
const DIRECT = new Set<Act['act']>(['block', 'unblock', 'name'])
const NOTHING = { ok: true } as const

/** @param now ms since 1970 */
export function judge(roster: Roster, by: User, act: Act, now: number): Verdict {
  // Said by the balancer, of an account that is no more: wherever that said anything, its name goes.
  if (act.act === 'gone') return roster.isGone(by.id) ? NOTHING : entry('gone')
  const role = roster.roleOf(by.id, now)
  if (!roster.isPublic && !isStanding(role)) return judgeStranger(roster, by, role, act, now)
  if (isGuest(by)) return refuse('forbidden', 'Guests are nobody in particular: sign up first.')
  if (roster.visibility === 'direct' && !DIRECT.has(act.act)) {
    return refuse('forbidden', 'This room is between two people.')
  }
  const needed = NEEDED[act.act]
  if (needed !== undefined && roster.rankOf(by.id) < RANK[needed]) {
    return refuse(
      'forbidden',
      needed === 'owner' ? 'Only the owner may do that.' : 'Only moderators may do that.',
    )
  }
  if (roster.isArchived && !IN_ARCHIVE.has(act.act)) return archived()
  return 'user' in act ? judgeOn(roster, by, act, now) : judgeRoom(roster, by, role, act, now)
}

/** Who is not in a private room can come in, if somebody let him; for everything else there is no such room. */
function judgeStranger(roster: Roster, by: User, role: Role | undefined, act: Act, now: number): Verdict {
  const unknown = refuse('no_such_room')
  if (role === 'banned' || isGuest(by)) return unknown
  if (role === 'invited' && act.act === 'leave') return entry('leave')
  if (act.act !== 'join') return unknown
  if (role !== 'invited' && !opensTo(roster, by, act.link, now)) return unknown
  return roster.isArchived ? archived() : judgeJoin(roster, role, now, act.link)
}

function opensTo(roster: Roster, { id }: User, link: string | undefined, now: number): boolean {
  return link !== undefined && roster.opensTo(id, link, now)
}

function judgeJoin(roster: Roster, role: Role | undefined, now: number, link?: string): Verdict {
  if (roster.isFull('members', now)) return tooMany()
  if (role === 'invited') return entry('join', { via: 'invite' })
  return link === undefined ? entry('join') : entry('join', { via: 'link', hash: link })
}

/** Acts on the room, or on oneself. */
function judgeRoom(
  roster: Roster,
  by: User,
  role: Role | undefined,
  act: Exclude<Act, { user: User }>,
  now: number,
): Verdict {
  const facts = roster.facts()
  switch (act.act) {
    case 'join':
      if (isStanding(role)) return NOTHING
      return roster.mayEnter(by, now) ?? judgeJoin(roster, role, now)
    case 'leave':
      if (role === 'owner') return refuse('forbidden', 'Hand the room over first, or delete it.')
      return isStanding(role) || role === 'invited' ? entry('leave') : NOTHING
    case 'rename':
      return act.name === facts.name ? NOTHING : entry('rename', { name: act.name })
    case 'topic':
      return act.topic === (facts.topic ?? '') ? NOTHING : entry('topic', { topic: act.topic })
    case 'slow':
      return act.everyMs === facts.slowMs ? NOTHING : entry('slow', { everyMs: act.everyMs })
    case 'archive':
    case 'unarchive':
      return facts.archived === (act.act === 'archive') ? NOTHING : entry(act.act)
    case 'link':
      return judgeLink(roster, act, now)
    case 'unlink':
      return roster.hasLink(act.hash) ? entry('unlink', { hash: act.hash }) : NOTHING
    case 'retention':
      return act.days === (facts.retentionDays ?? null) ? NOTHING : entry('retention', { days: act.days })
    case 'name':
      return [undefined, act.name].includes(roster.known(by.id)?.name)
        ? NOTHING
        : entry('name', { name: act.name })
    case 'block':
    case 'unblock':
      if (roster.visibility !== 'direct') return refuse('forbidden', 'Only in a room between two people.')
      return roster.isSilent(by.id) === (act.act === 'block') ? NOTHING : entry(act.act)
    case 'gone':
      return entry('gone')
  }
}

function judgeLink(
  roster: Roster,
  { hash, until, uses }: Extract<Act, { act: 'link' }>,
  now: number,
): Verdict {
  if (roster.isPublic) return refuse('forbidden', 'Anyone may enter a public room as it is.')
  if (until <= now) return past()
  if (roster.hasLink(hash)) return NOTHING
  if (roster.isFull('links', now)) return tooMany()
  return entry('link', { hash, until, ...(uses === undefined ? {} : { uses }) })
}

/** Whether he may know what the room is: who is there, was invited, or has a link (its hash) by which he can come. */
export function maySee(roster: Roster, user: User, link: string | undefined, now: number): boolean {
  const role = roster.roleOf(user.id, now)
  if (roster.isPublic || isStanding(role) || role === 'invited') return true
  return role !== 'banned' && !isGuest(user) && opensTo(roster, user, link, now)
}

/** Acts on somebody. */
function judgeOn(roster: Roster, by: User, act: Extract<Act, { user: User }>, now: number): Verdict {
  const { id } = act.user
  // As the room knows him: what the asker calls him is not believed.
  const user = roster.known(id) ?? act.user
  if (id === by.id) return act.act === 'owner' ? NOTHING : refuse('forbidden', 'Not on yourself.')
  if (roster.rankOf(id) >= roster.rankOf(by.id)) {
    return refuse('forbidden', 'Moderators may do that to members only.')
  }
  const role = roster.roleOf(id, now)
  const isMember = roster.isMember(id)
  const isReachable = isMember || roster.isPublic
  const because = 'reason' in act && act.reason !== undefined ? { reason: act.reason } : {}
  switch (act.act) {
    case 'invite':
      if (isGuest(user)) return refuse('forbidden', 'Guests cannot be members.')
      if (role === 'banned') return refuse('conflict', 'This person is banned: lift that first.')
      if (isMember || role === 'invited') return NOTHING
      return roster.isFull('invited', now) ? tooMany() : entry('invite', { user })
    case 'uninvite':
      return roster.isInvited(id) ? entry('uninvite', { user }) : NOTHING
    case 'remove':
      return isReachable ? entry('remove', { user, ...because }) : notAMember()
    case 'ban':
      if (act.until !== undefined && act.until <= now) return past()
      if (roster.bannedUntil(id) === (act.until ?? Infinity)) return NOTHING
      if (roster.isFull('banned', now)) return tooMany()
      return entry('ban', { user, ...(act.until === undefined ? {} : { until: act.until }), ...because })
    case 'unban':
      return roster.bannedUntil(id) === undefined ? NOTHING : entry('unban', { user })
    case 'mute':
      if (act.until <= now) return past()
      if (!isReachable) return notAMember()
      if (roster.mutedUntil(id) === act.until) return NOTHING
      return roster.isFull('muted', now) ? tooMany() : entry('mute', { user, until: act.until, ...because })
    case 'unmute':
      return roster.mutedUntil(id) === undefined ? NOTHING : entry('unmute', { user })
    case 'role':
      if (!isMember) return notAMember()
      return role === act.role ? NOTHING : entry('role', { user, role: act.role })
    case 'owner':
      return isMember ? entry('owner', { user }) : notAMember()
  }
}

/** Why he may not delete the room, if so. */
export function mayErase(roster: Roster, by: User, now: number): Refusal | undefined {
  const refusal = roster.mayEnter(by, now)
  if (refusal !== undefined) return refusal
  return roster.rankOf(by.id) < RANK.owner
    ? refuse('forbidden', 'Only the owner may delete a room.')
    : undefined
}

/** Why he may not read what was done to the room, if so. */
export function mayAudit(roster: Roster, by: User, now: number): Refusal | undefined {
  const refusal = roster.mayEnter(by, now)
  if (refusal !== undefined) return refusal
  return roster.mayModerate(by.id) ? undefined : refuse('forbidden', 'For the owner and the moderators only.')
}

function entry(event: Act['act'], data?: object): Verdict {
  return { ok: true, event, ...(data === undefined ? {} : { data }) }
}

const archived = () => refuse('forbidden', 'This room is archived.')
const past = () => refuse('bad_message', 'That would have ended already.')
const notAMember = () => refuse('conflict', 'This person is not a member.')
const tooMany = () => refuse('forbidden', 'There are as many of them as a room may have.')
