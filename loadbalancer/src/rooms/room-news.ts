import type { SystemEntry, UserId } from '@flotilla/protocol/frames.ts'
import type { Role } from '@flotilla/protocol/roster.ts'
import type { RoomFactsNow } from './directory-store.ts'

/** What a system entry of a room's log changes in the lists of the balancer. */
export interface RoomNews {
  /** null: he is nobody there any more. */
  roles: readonly (readonly [UserId, Role | null])[]
  facts: RoomFactsNow
  link?: { hash: string; until: number }
  /** Hash of a link that is good no more. */
  unlink?: string
}
export type NewsEntry = Pick<SystemEntry, 'event' | 'data' | 'user'>

/** As `Roster` folds it, as far as lists show it. What is unknown or unreadable changes nothing. */
export function newsOf({ event, data, user }: NewsEntry): RoomNews {
  const said = (data ?? {}) as Record<string, unknown>
  const whom = (said['user'] as { id?: unknown } | undefined)?.id
  const becomes = (role: Role | null) => (typeof whom === 'string' ? roles([[whom, role]]) : NOTHING)
  switch (event) {
    case 'join':
      return roles([[user.id, 'member']])
    case 'leave':
    case 'gone':
      return roles([[user.id, null]])
    case 'invite':
      return becomes('invited')
    case 'uninvite':
    case 'remove':
    case 'unban':
      return becomes(null)
    case 'ban':
      return becomes('banned')
    case 'role':
      return said['role'] === 'moderator' || said['role'] === 'member' ? becomes(said['role']) : NOTHING
    case 'owner':
      return typeof whom === 'string'
        ? roles([
            [user.id, 'moderator'],
            [whom, 'owner'],
          ])
        : NOTHING
    case 'rename':
      return typeof said['name'] === 'string' ? facts({ name: said['name'] }) : NOTHING
    case 'topic':
      return typeof said['topic'] === 'string' ? facts({ topic: said['topic'] }) : NOTHING
    case 'slow':
      return typeof said['everyMs'] === 'number' ? facts({ slowMs: said['everyMs'] }) : NOTHING
    case 'archive':
    case 'unarchive':
      return facts({ archived: event === 'archive' })
    case 'retention':
      return facts({ retentionDays: typeof said['days'] === 'number' ? said['days'] : null })
    case 'link':
      return typeof said['hash'] === 'string' && typeof said['until'] === 'number'
        ? { ...NOTHING, link: { hash: said['hash'], until: said['until'] } }
        : NOTHING
    case 'unlink':
      return typeof said['hash'] === 'string' ? { ...NOTHING, unlink: said['hash'] } : NOTHING
    default:
      return NOTHING
  }
}

const NOTHING: RoomNews = { roles: [], facts: {} }
const roles = (changed: RoomNews['roles']): RoomNews => ({ ...NOTHING, roles: changed })
const facts = (changed: RoomFactsNow): RoomNews => ({ ...NOTHING, facts: changed })
