import type { Claims } from '@flotilla/protocol/claims.ts'
import type { Revoke } from '@flotilla/protocol/control.ts'
import type { UserId } from '@flotilla/protocol/frames.ts'
import { TOKEN_MS } from './tokens.ts'

/** For as long as a token that was issued before may live, and a minute for clocks that differ. */
export const REVOKED_MS = TOKEN_MS + 60_000

interface Item {
  version: number
  until: number
  revoke: Revoke
}

/**
 * Tokens that are good no more, though they have not ended; in memory what is on file. Each addition has a number, so that one who
 * knows those up to some number can be told the rest. Does not grow with time: what cannot matter any more is forgotten.
 */
export class Revocations {
  #version = 0
  #items: Item[] = []
  readonly #sessions = new Set<string>()
  readonly #users = new Map<UserId, number>()
  #listener: () => void = () => undefined

  /** `onFile`: what was revoked in earlier runs. */
  constructor(onFile: Revoke, now: number) {
    this.add(onFile, now)
  }

  get version(): number {
    return this.#version
  }

  /** Calls `listener` after each addition. */
  onAdded(listener: () => void): void {
    this.#listener = listener
  }

  add(revoke: Revoke, now: number): void {
    const { sessions = [], users = [] } = revoke
    if (sessions.length === 0 && users.length === 0) return
    this.#forget(now)
    this.#version += 1
    this.#items.push({ version: this.#version, until: now + REVOKED_MS, revoke })
    for (const id of sessions) this.#sessions.add(id)
    for (const { id, issuedBefore } of users) {
      this.#users.set(id, Math.max(issuedBefore, this.#users.get(id) ?? 0))
    }
    this.#listener()
  }

  isRevoked({ user, session, issuedAt }: Omit<Claims, 'expiresAt'>): boolean {
    if (session !== undefined && this.#sessions.has(session)) return true
    return issuedAt < (this.#users.get(user.id) ?? 0)
  }

  /** From when on a token of this user has to be issued to be good: a millisecond after what was revoked. */
  goodFrom(user: UserId, now: number): number {
    const issuedBefore = this.#users.get(user)
    return issuedBefore === undefined ? now : Math.max(now, issuedBefore + 1)
  }

  /** Everything after number `version` (0 = all), as it came in at most `additions` times; and the number that brings one to. */
  since(version: number, now: number, additions = Infinity): { version: number; revoke: Revoke } {
    this.#forget(now)
    const later = this.#items.filter((item) => item.version > version)
    const news = later.slice(0, additions)
    return {
      version: news.length < later.length ? (news.at(-1)?.version ?? version) : this.#version,
      revoke: {
        sessions: news.flatMap(({ revoke }) => revoke.sessions ?? []),
        users: news.flatMap(({ revoke }) => revoke.users ?? []),
      },
    }
  }

  #forget(now: number): void {
    const first = this.#items.findIndex(({ until }) => until > now)
    const gone = this.#items.splice(0, first < 0 ? this.#items.length : first)
    for (const { revoke } of gone) {
      for (const id of revoke.sessions ?? []) this.#sessions.delete(id)
      for (const { id, issuedBefore } of revoke.users ?? []) {
        if (this.#users.get(id) === issuedBefore) this.#users.delete(id)
      }
    }
  }
}
