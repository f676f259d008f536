import { DELETED_NAME, fieldsOf, isGuest, LOST_EVENT, numberIn, userIn, type JoinData } from './acts.ts'
import { refuse, type Refusal } from './errors.ts'
import type { LeftReason, RoomView, Seq, SystemEntry, User, UserId } from './frames.ts'
import type { Genesis } from './genesis.ts'
import { LINK_LIMITS, Links, type LinkRow } from './links.ts'
import { factsAfter, type RoomFacts } from './room-facts.ts'
import { TimedPeople } from './timed-people.ts'

/**
 * Who is who in a room: its genesis and the `system` entries of its log, folded in their order, and nothing else. Whoever has
 * folded the same entries judges alike (`judge.ts`), so that the next home needs no more than the log. Time is an argument.
 */

/** Bounds of what a room remembers; an act beyond one is refused. */
export const ROSTER_LIMITS = {
  members: 50_000,
  invited: 1_000,
  banned: 10_000,
  muted: 10_000,
  links: LINK_LIMITS.links,
} as const

export type Standing = 'owner' | 'moderator' | 'member'
export type Role = Standing | 'invited' | 'banned'
/** Who may do what to whom: only to those below. 0 = no member. */
export const RANK = { member: 1, moderator: 2, owner: 3 } as const

export interface MemberRow {
  user: User
  role: Standing
  /** Milliseconds since 1970. */
  mutedUntil?: number
}
/** What a room is now. */
export interface Facts extends RoomFacts {
  visibility: Genesis['visibility']
  owner?: User
}

/** Of a system entry what counts here: also of one that is not in the log yet. */
export type Folded = Pick<SystemEntry, 'event' | 'data' | 'user' | 'ts'> & { seq?: Seq }

export class Roster {
  readonly genesis: Genesis | undefined
  readonly #members = new Map<UserId, { user: User; role: Standing }>()
  readonly #invited = new Map<UserId, User>()
  readonly #banned = new TimedPeople(ROSTER_LIMITS.banned)
  readonly #muted = new TimedPeople(ROSTER_LIMITS.muted)
  readonly #links = new Links()
  /** Who of a direct room's two has blocked the other, or has no account any more. */
  readonly #silent = new Set<UserId>()
  /** Whose accounts are deleted. */
  readonly #gone = new Set<UserId>()
  #facts: RoomFacts = { archived: false, slowMs: 0 }
  #version: Seq = 0

  constructor(genesis: Genesis | undefined) {
    this.genesis = genesis
    if (genesis !== undefined) this.#facts.name = genesis.name
    if (genesis?.visibility === 'direct') {
      for (const user of genesis.people ?? []) this.#members.set(user.id, { user, role: 'member' })
    } else if (genesis?.createdBy !== undefined && !isGuest(genesis.createdBy)) {
      this.#members.set(genesis.createdBy.id, { user: genesis.createdBy, role: 'owner' })
    }
  }

  /** A copy that goes its own way from here. */
  clone(): Roster {
    const copy = new Roster(this.genesis)
    copyMap(this.#members, copy.#members)
    copyMap(this.#invited, copy.#invited)
    copy.#banned.copy(this.#banned)
    copy.#muted.copy(this.#muted)
    copy.#links.copy(this.#links)
    for (const id of this.#silent) copy.#silent.add(id)
    for (const id of this.#gone) copy.#gone.add(id)
    copy.#facts = this.#facts
    copy.#version = this.#version
    return copy
  }

  /** Folds the next entry. What this version does not know, or cannot read, changes nothing. */
  apply(entry: Folded): void {
    const { event, user, seq = 0 } = entry
    this.#version = Math.max(this.#version, seq)
    const data = fieldsOf(entry.data)
    const target = userIn(data)
    if (target !== undefined) this.#applyTo(target, entry, data)
    switch (event) {
      case 'join':
        return this.#joined(user, data)
      case 'leave':
        return this.#drop(user.id)
      case 'link':
        return this.#linked(entry, data)
      case 'unlink':
        return this.#links.end(String(data['hash']))
      case 'name':
        return this.#renamed(user)
      case 'gone':
        return this.#goes(user.id)
      case 'block':
        this.#silent.add(user.id)
        return
      case 'unblock':
        this.#silent.delete(user.id)
        return
      case LOST_EVENT:
        if (data['was'] === 'system') this.#lost()
        return
      default:
        this.#facts = factsAfter(this.#facts, event, data)
    }
  }

  #applyTo(user: User, { event, ts }: Folded, data: Record<string, unknown>): void {
    const { id } = user
    const until = numberIn(data, 'until') ?? Infinity
    switch (event) {
      case 'invite':
        if (!this.#members.has(id)) this.#invited.set(id, user)
        return
      case 'uninvite':
        this.#invited.delete(id)
        return
      case 'remove':
        this.#drop(id)
        return this.#links.sentOut(id)
      case 'ban':
        this.#drop(id)
        return this.#banned.add(user, until, ts)
      case 'unban':
        return this.#banned.drop(id)
      case 'mute':
        return this.#muted.add(user, until, ts)
      case 'unmute':
        return this.#muted.drop(id)
      case 'role':
        if (data['role'] === 'moderator' || data['role'] === 'member') this.#rank(id, data['role'])
        return
      case 'owner':
        if (!this.#members.has(id)) return
        for (const [other, { role }] of this.#members) if (role === 'owner') this.#rank(other, 'moderator')
        this.#rank(id, 'owner')
    }
  }

  #joined(user: User, { via, hash }: JoinData): void {
    this.#invited.delete(user.id)
    if (!this.#members.has(user.id)) this.#members.set(user.id, { user, role: 'member' })
    if (via === 'link' && hash !== undefined) this.#links.use(hash)
    this.#links.forget(user.id)
  }

  #linked({ user: by, ts }: Folded, data: Record<string, unknown>): void {
    const { hash } = data
    if (typeof hash !== 'string') return
    const uses = numberIn(data, 'uses')
    const until = numberIn(data, 'until') ?? 0
    this.#links.make({ hash, by, until, ...(uses === undefined ? {} : { uses }) }, ts)
  }

  #drop(id: UserId): void {
    this.#invited.delete(id)
    this.#members.delete(id)
  }

  #rank(id: UserId, role: Standing): void {
    const member = this.#members.get(id)
    if (member !== undefined) this.#members.set(id, { ...member, role })
  }

  #renamed(user: User): void {
    const { id } = user
    const member = this.#members.get(id)
    if (member !== undefined) this.#members.set(id, { ...member, user })
    if (this.#invited.has(id)) this.#invited.set(id, user)
    this.#banned.renamed(user)
    this.#muted.renamed(user)
  }

  #goes(id: UserId): void {
    this.#gone.add(id)
    const member = this.#members.get(id)
    if (this.visibility === 'direct') {
      if (member === undefined) return
      // The other one keeps the room, and what was said in it.
      this.#members.set(id, { user: { id, name: DELETED_NAME }, role: 'member' })
      this.#silent.add(id)
      return
    }
    this.#drop(id)
    this.#banned.drop(id)
    this.#muted.drop(id)
    this.#links.forget(id)
    if (member?.role !== 'owner') return
    // Somebody has to keep order: who has been a moderator, else a member, for longest.
    const rest = [...this.#members.values()]
    const heir = rest.find(({ role }) => role === 'moderator') ?? rest[0]
    if (heir !== undefined) this.#rank(heir.user.id, 'owner')
  }

  /**
   * Something was done to the room, and nobody knows any more what: it may have sent somebody out of a private room, or taken a
   * moderator his office, and to read it as nothing would give him that back. So whoever had either by what stands before it
   * has it no more, until the owner says so again: he cannot have been removed, only have handed the room over. In a direct room
   * nothing can be said until both have blocked and unblocked each other. A public room stays open: who is banned from it may come
   * back as somebody else anyway, and one without an owner would stay shut for ever.
   */
  #lost(): void {
    this.#facts = factsAfter(this.#facts, 'retention', {})
    for (const [id, { role }] of this.#members) {
      if (this.visibility === 'direct') this.#silent.add(id)
      else if (role === 'moderator') this.#rank(id, 'member')
      if (this.visibility === 'private' && role !== 'owner') this.#members.delete(id)
    }
    this.#invited.clear()
    for (const { hash } of this.#links.live(0)) this.#links.end(hash)
  }

  get visibility(): Genesis['visibility'] {
    return this.genesis?.visibility ?? 'public'
  }
  get isPublic(): boolean {
    return this.visibility === 'public'
  }
  get isArchived(): boolean {
    return this.#facts.archived
  }
  /** Least time between two messages of one person; 0 = any. */
  get slowMs(): number {
    return this.#facts.slowMs
  }
  /** Seq of the last entry that was folded; 0 = none was: the room is as it was made. */
  get version(): Seq {
    return this.#version
  }
  /** Whether anybody at all may enter and say something now: then nobody needs to be looked up. */
  get isOpen(): boolean {
    const nobodyIsBarred = this.#banned.isEmpty && this.#muted.isEmpty && this.#gone.size === 0
    return this.isPublic && nobodyIsBarred && !this.isArchived && this.slowMs === 0
  }

  roleOf(id: UserId, now: number): Role | undefined {
    if ((this.#banned.get(id)?.until ?? 0) > now) return 'banned'
    return this.#members.get(id)?.role ?? (this.#invited.has(id) ? 'invited' : undefined)
  }
  /** 0 = no member. */
  rankOf(id: UserId): number {
    const role = this.#members.get(id)?.role
    return role === undefined ? 0 : RANK[role]
  }
  isMember(id: UserId): boolean {
    return this.#members.has(id)
  }
  isInvited(id: UserId): boolean {
    return this.#invited.has(id)
  }
  /** Until when, if at all, and be it past. */
  bannedUntil(id: UserId): number | undefined {
    return this.#banned.get(id)?.until
  }
  mutedUntil(id: UserId): number | undefined {
    return this.#muted.get(id)?.until
  }
  /** Whether he said that nothing is to be said in this direct room any more. */
  isSilent(id: UserId): boolean {
    return this.#silent.has(id)
  }
  /** Whether his account is known to be deleted. */
  isGone(id: UserId): boolean {
    return this.#gone.has(id)
  }
  /** Whether that is the hash of a link, be it one that has ended. */
  hasLink(hash: string): boolean {
    return this.#links.has(hash)
  }
  /** Whether he can come in by the link of this hash. */
  opensTo(id: UserId, hash: string, now: number): boolean {
    return this.#links.opensTo(hash, id, now)
  }
  /** What the room calls him. */
  known(id: UserId): User | undefined {
    return (
      this.#members.get(id)?.user ??
      this.#invited.get(id) ??
      this.#banned.get(id)?.user ??
      this.#muted.get(id)?.user
    )
  }
  /** Whether it remembers as many as it may. */
  isFull(list: keyof typeof ROSTER_LIMITS, now: number): boolean {
    if (list === 'members') return this.#members.size >= ROSTER_LIMITS.members
    if (list === 'invited') return this.#invited.size >= ROSTER_LIMITS.invited
    return { banned: this.#banned, muted: this.#muted, links: this.#links }[list].isFull(now)
  }

  /** Why he may not be told what is said here, if so. For those to whom there is no such room, always the same. */
  mayEnter({ id }: Pick<User, 'id'>, now: number): Refusal | undefined {
    // What he said stands under no name, and nothing is to stand there under his again: a token of his may be good for a while
    // at a server that has not heard yet.
    if (this.#gone.has(id)) return refuse(this.isPublic ? 'forbidden' : 'no_such_room')
    const role = this.roleOf(id, now)
    if (!this.isPublic) return isStanding(role) ? undefined : refuse('no_such_room')
    return role === 'banned' ? refuse('forbidden', 'You are banned from this room.') : undefined
  }

  /** Why he may not say anything now, if so. Slow mode is the home's: it knows when he spoke last. */
  maySend(user: Pick<User, 'id'>, now: number): Refusal | undefined {
    const refusal = this.mayEnter(user, now)
    if (refusal !== undefined) return refusal
    if (this.isArchived) return refuse('forbidden', 'This room is archived.')
    if ((this.mutedUntil(user.id) ?? 0) > now) return refuse('forbidden', 'You are muted in this room.')
    if (this.#silent.size > 0) return refuse('forbidden', 'Nothing can be sent here any more.')
    return undefined
  }

  /** Whether he may delete what others said, and is not held up by slow mode. */
  mayModerate(id: UserId): boolean {
    return this.rankOf(id) >= RANK.moderator
  }

  /** What the room is to him. */
  viewFor(id: UserId): RoomView {
    const role = this.#members.get(id)?.role
    const mutedUntil = this.mutedUntil(id)
    const { name, topic, archived, slowMs } = this.#facts
    return {
      ...(name === undefined ? {} : { name }),
      ...(topic === undefined ? {} : { topic }),
      visibility: this.visibility,
      ...(role === undefined ? {} : { role }),
      ...(archived ? { archived } : {}),
      ...(slowMs === 0 ? {} : { slowMs }),
      ...(mutedUntil === undefined || mutedUntil === Infinity ? {} : { mutedUntil }),
    }
  }

  facts(): Facts {
    const owner = [...this.#members.values()].find(({ role }) => role === 'owner')?.user
    return { ...this.#facts, visibility: this.visibility, ...(owner === undefined ? {} : { owner }) }
  }

  get memberCount(): number {
    return this.#members.size
  }
  /** In the order in which they came. */
  members(now: number): MemberRow[] {
    return [...this.#members.values()].map(({ user, role }) => {
      const until = this.mutedUntil(user.id) ?? 0
      return { user, role, ...(until > now ? { mutedUntil: until } : {}) }
    })
  }
  invited(): User[] {
    return [...this.#invited.values()]
  }
  /** Without `until` for ever. */
  banned(now: number): { user: User; until?: number }[] {
    return this.#banned
      .held(now)
      .map(({ user, until }) => ({ user, ...(until === Infinity ? {} : { until }) }))
  }
  links(now: number): LinkRow[] {
    return this.#links.live(now)
  }
}

/** Whom an entry sends out of the room, from all his connections. */
export function whoLeaves({
  event,
  data,
  user,
}: Pick<Folded, 'event' | 'data' | 'user'>): { id: UserId; reason: LeftReason } | undefined {
  if (event === 'leave') return { id: user.id, reason: 'left' }
  if (event === 'gone') return { id: user.id, reason: 'deleted' }
  if (event !== 'remove' && event !== 'ban') return undefined
  const target = userIn(fieldsOf(data))
  return target && { id: target.id, reason: event === 'ban' ? 'banned' : 'removed' }
}

export function isStanding(role: Role | undefined): role is Standing {
  return role === 'owner' || role === 'moderator' || role === 'member'
}

function copyMap<K, V>(from: ReadonlyMap<K, V>, to: Map<K, V>): void {
  to.clear()
  for (const [key, value] of from) to.set(key, value)
}
