import type { LoggedIn, SessionRow } from '@flotilla/protocol/accounts.ts'
import type { Claims } from '@flotilla/protocol/claims.ts'
import { guestId, normaliseName, type User, type UserId } from '@flotilla/protocol/frames.ts'
import { nameKey, nameMarks } from '@flotilla/protocol/names.ts'
import type { CookieJar } from '../http/cookies.ts'
import { refused, type Refused } from '../http/problem.ts'
import { tooFast } from '../http/rate-limit.ts'
import type { Bearer } from '../http/route.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { AccountStore, Revocation, UserRecord } from './account-store.ts'
import type { Guesses } from './guesses.ts'
import { BUSY, type Passwords } from './passwords.ts'
import { REVOKED_MS, type Revocations } from './revocations.ts'
import {
  DEVICE_COOKIE,
  hashed,
  newId,
  newRefreshToken,
  nextTurn,
  readDevices,
  readRefreshToken,
  REFRESH_COOKIE,
  sha256,
  withNewDevice,
  writeRefreshToken,
} from './secrets.ts'
import type { Tokens } from './tokens.ts'

/** A session that got no token for this long has ended, and so has one that began this long ago. */
export const IDLE_MS = 30 * 24 * 3_600_000
export const LIFE_MS = 180 * 24 * 3_600_000
const DEVICE_MS = 365 * 24 * 3_600_000
const MAX_AGENT_CHARS = 200
/** When to try again where too many passwords wait to be hashed. */
const LATER = { 'retry-after': '2' }

export interface SessionsParts {
  store: AccountStore
  tokens: Tokens
  revocations: Revocations
  passwords: Passwords
  guesses: Guesses
  cookies: CookieJar
  /** Guests are let in. */
  guests: boolean
  metrics: Metrics
  log: Logger
  now: () => number
}

/** What a call says of who makes it, besides its body. */
export interface Caller {
  address: string
  header: (name: string) => string | undefined
}

/** Who is signed in now, and what the browser shall keep. */
export interface SignedIn {
  login: LoggedIn
  cookies: string[]
}

/** Signing in and out: tokens, and the sessions behind them. Every refusal is a value. */
export class Sessions {
  readonly #parts: SessionsParts

  constructor(parts: SessionsParts) {
    this.#parts = parts
  }

  /** Whose token this is, if it is good now. */
  async whoBears(token: string): Promise<Bearer | undefined> {
    const claims = await this.claims(token)
    return claims && { user: claims.user, session: claims.session }
  }

  async claims(token: string): Promise<Claims | undefined> {
    const { tokens, revocations, now } = this.#parts
    const claims = await tokens.verify(token, now())
    return claims !== undefined && !revocations.isRevoked(claims) ? claims : undefined
  }

  /** Lets a guest in, by a name that no account has or looks like. In another tab the same browser may have an account. */
  async enterAsGuest(username: string): Promise<SignedIn | Refused> {
    const { store, tokens, guests, metrics, now } = this.#parts
    if (!guests) return refused('guests_off')
    const name = normaliseName(username)
    if (name === undefined) return refused('bad_name')
    if (await store.isTaken(nameMarks(name))) return refused('username_taken')
    const user = { id: guestId(name), name }
    metrics.logins.inc({ kind: 'guest' })
    return { login: { ...(await tokens.issue(user, now())), user }, cookies: [] }
  }

  /** The same answer and the same work, whether there is no such account or the password is wrong. */
  async enter(username: string, password: string, caller: Caller): Promise<SignedIn | Refused> {
    const { store, passwords, guesses, metrics, log, now } = this.#parts
    const name = normaliseName(username)
    if (name === undefined) return refused('bad_name')
    const key = nameKey(name)
    const user = await store.userByKey(key)
    const device = await this.#knownDevice(user?.id ?? '', caller)
    const takeBack = guesses.take({ key, address: caller.address, device }, now())
    if (typeof takeBack === 'number') return tooFast(takeBack)
    const isRight = await passwords.isRight(password, user?.password)
    if (isRight === BUSY || isRight) takeBack()
    if (isRight === BUSY) return refused('busy', undefined, LATER)
    if (!isRight || user === undefined) {
      metrics.logins.inc({ kind: 'wrong' })
      return refused('wrong_password')
    }
    const begun = await this.#begin(user, device, caller)
    if (begun === undefined) return refused('wrong_password') // it is not, any more
    metrics.logins.inc({ kind: 'account' })
    log.info({ user: user.id, session: begun.session }, 'signed in')
    void this.#rehash(user, password)
    return begun.signedIn
  }

  /** Takes a refresh cookie for an access token and the next cookie. One that was used before ends its session. */
  async refresh(caller: Caller): Promise<SignedIn | Refused> {
    const { store, revocations, cookies, metrics, log, now } = this.#parts
    const given = this.#refreshToken(caller)
    if (given === undefined) return refused('unauthenticated', 'There is no session to go on with: sign in.')
    const next = nextTurn(given)
    const at = Math.floor(now())
    const turned = await store.turnSession(
      given.session,
      hashed(given),
      { turn: hashed(next).turn, at },
      { idleSince: at - IDLE_MS, madeSince: at - LIFE_MS },
      this.revocation(),
    )
    metrics.refreshes.inc({ outcome: turned.is })
    if (turned.is === 'turned') {
      return {
        login: await this.#issue(turned.user, given.session),
        cookies: [cookies.set(REFRESH_COOKIE, writeRefreshToken(next), IDLE_MS)],
      }
    }
    if (turned.is === 'spent') {
      revocations.add({ sessions: [turned.session] }, now())
      const { userId: user, session } = turned
      log.warn({ user, session }, 'a refresh token was used twice: its session has ended')
    }
    return refused('unauthenticated', 'This session has ended: sign in.', {
      'set-cookie': [cookies.clear(REFRESH_COOKIE)],
    })
  }

  /** Ends the session of the cookie, and that of the token. @returns what the browser shall forget */
  async leave(caller: Caller, token: string | undefined): Promise<string[]> {
    const claims = token === undefined ? undefined : await this.claims(token)
    if (claims?.session !== undefined) await this.end(claims.user.id, { only: claims.session })
    await this.#endFormer(caller)
    return [this.#parts.cookies.clear(REFRESH_COOKIE)]
  }

  async list(userId: UserId, current: string | undefined): Promise<SessionRow[]> {
    const { store, now } = this.#parts
    const sessions = await store.sessionsOf(userId)
    return sessions
      .filter(({ usedAt, createdAt }) => usedAt >= now() - IDLE_MS && createdAt >= now() - LIFE_MS)
      .map(({ id, createdAt, usedAt, agent }) => ({
        ...{ id, createdAt, usedAt, current: id === current },
        ...(agent === '' ? {} : { agent }),
      }))
      .sort((a, b) => b.usedAt - a.usedAt)
  }

  /** Durable, and void everywhere within moments. @returns how many sessions ended */
  async end(userId: UserId, which: { only: string } | { but: string | undefined }): Promise<number> {
    const { store, revocations, now } = this.#parts
    const sessions = await store.endSessions(userId, which, this.revocation())
    revocations.add({ sessions }, now())
    return sessions.length
  }

  /** This browser is known to the account from now on, also while strangers guess its password. */
  async trust(userId: UserId, caller: Caller): Promise<string> {
    const { store, cookies, now } = this.#parts
    const { cookie, device } = withNewDevice(this.#devices(caller))
    await store.addDevice(userId, device, Math.floor(now()))
    return cookies.set(DEVICE_COOKIE, cookie, DEVICE_MS)
  }

  /** All that was issued until now is void; a millisecond more, as tokens of this one are meant, too. */
  revocation(): Revocation {
    const at = Math.floor(this.#parts.now()) + 1
    return { at, until: at + REVOKED_MS }
  }

  async #begin(
    user: UserRecord,
    device: Buffer | undefined,
    caller: Caller,
  ): Promise<{ session: string; signedIn: SignedIn } | undefined> {
    const { store, revocations, cookies, now } = this.#parts
    const token = newRefreshToken(newId())
    const agent = agentOf(caller)
    const at = Math.floor(now())
    const ended = await store.addSession(
      { id: token.session, userId: user.id, password: user.password, ...hashed(token), agent, at },
      this.revocation(),
    )
    if (ended === undefined) return undefined
    revocations.add({ sessions: ended }, now())
    await this.#endFormer(caller)
    const signedIn: SignedIn = {
      login: await this.#issue(user, token.session),
      cookies: [cookies.set(REFRESH_COOKIE, writeRefreshToken(token), IDLE_MS)],
    }
    if (device === undefined) signedIn.cookies.push(await this.trust(user.id, caller))
    else await store.addDevice(user.id, device, at)
    return { session: token.session, signedIn }
  }

  async #issue({ id, name }: UserRecord, session: string): Promise<LoggedIn> {
    const { tokens, revocations, now } = this.#parts
    const user: User = { id, name }
    return { ...(await tokens.issue(user, revocations.goodFrom(id, now()), session)), user }
  }

  /** The session of this browser's cookie. */
  async #endFormer(caller: Caller): Promise<void> {
    const { store, revocations, now } = this.#parts
    const former = this.#refreshToken(caller)
    if (former === undefined) return
    const { family } = hashed(former)
    if (await store.endByFamily(former.session, family, this.revocation())) {
      revocations.add({ sessions: [former.session] }, now())
    }
  }

  async #rehash({ id, password: before }: UserRecord, password: string): Promise<void> {
    const { store, passwords, log } = this.#parts
    if (!passwords.isOutdated(before)) return
    try {
      const hash = await passwords.hash(password)
      if (hash !== BUSY) await store.rehash(id, before, hash)
    } catch (err) {
      log.error({ err, user: id }, 'a password could not be hashed anew')
    }
  }

  async #knownDevice(userId: UserId, caller: Caller): Promise<Buffer | undefined> {
    for (const device of this.#devices(caller).map(sha256)) {
      if (await this.#parts.store.knowsDevice(userId, device)) return device
    }
    return undefined
  }

  #devices(caller: Caller): string[] {
    return readDevices(this.#parts.cookies.read(caller.header('cookie'), DEVICE_COOKIE))
  }

  #refreshToken(caller: Caller) {
    return readRefreshToken(this.#parts.cookies.read(caller.header('cookie'), REFRESH_COOKIE))
  }
}

function agentOf(caller: Caller): string {
  const agent = caller.header('user-agent') ?? ''
  return agent.replaceAll(/[^\x20-\x7e]/g, '').slice(0, MAX_AGENT_CHARS)
}
