import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import type { Revoke } from '@flotilla/protocol/control.ts'
import type { UserId } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'

/** What a token says of itself besides whose it is; of who came in without one, nothing. */
export interface Bearing {
  /** The session it was issued to; guests' have none. */
  sid?: string | undefined
  /** Ms since 1970. */
  issuedAt?: number | undefined
}

/** A token was issued by another clock: what was revoked is kept for a minute longer than it can live. */
const KEPT_MS = LIMITS.accessTokenMs + 60_000

/**
 * Tokens that are good no more, though they have not ended. No token outlives `LIMITS.accessTokenMs`, and what was revoked is
 * forgotten after that: so this does not grow with time. Decisions only.
 */
export class Revocations {
  readonly #sessions = new Map<string, number>()
  readonly #users = new Map<UserId, { issuedBefore: number; code: CloseCode; until: number }>()

  add({ sessions = [], users = [] }: Revoke, now: number): void {
    this.#forget(now)
    const until = now + KEPT_MS
    // Each is the youngest again: the oldest stand first.
    for (const sid of sessions) {
      this.#sessions.delete(sid)
      this.#sessions.set(sid, until)
    }
    for (const { id, issuedBefore, code } of users) {
      const known = this.#users.get(id)
      this.#users.delete(id)
      const isNewer = known === undefined || issuedBefore >= known.issuedBefore
      this.#users.set(id, isNewer ? { issuedBefore, code, until } : { ...known, until })
    }
  }

  /** @returns what a connection that came in by this token is closed with; undefined if it is good */
  against(user: UserId, { sid, issuedAt }: Bearing): CloseCode | undefined {
    if (issuedAt === undefined) return undefined
    const ofUser = this.#users.get(user)
    if (ofUser !== undefined && issuedAt < ofUser.issuedBefore) return ofUser.code
    return sid !== undefined && this.#sessions.has(sid) ? 4401 : undefined
  }

  #forget(now: number): void {
    for (const [sid, until] of this.#sessions) {
      if (until > now) break
      this.#sessions.delete(sid)
    }
    for (const [id, { until }] of this.#users) {
      if (until > now) break
      this.#users.delete(id)
    }
  }
}
