import type { LoggedIn, Me } from '@flotilla/protocol/accounts.ts'
import { normaliseName, type User, type UserId } from '@flotilla/protocol/frames.ts'
import { DELETED_NAME, looksLike, nameKey, nameMarks } from '@flotilla/protocol/names.ts'
import { refused, type Refused } from '../http/problem.ts'
import { tooFast, type RateLimit } from '../http/rate-limit.ts'
import type { Bearer } from '../http/route.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { AccountRecord } from '../rooms/people.ts'
import type { AccountStore, Naming, UserRecord } from './account-store.ts'
import type { BlockTelling } from './block-telling.ts'
import type { Guesses } from './guesses.ts'
import { BUSY, whyUnusable, type Passwords } from './passwords.ts'
import type { Revocations } from './revocations.ts'
import { newId } from './secrets.ts'
import type { Caller, Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

const LATER = { 'retry-after': '2' }

/** What others do when something about an account has changed. It is durable by then. */
export interface AccountEvents {
  /** `user` has the new name. What goes wrong is logged, not answered. */
  renamed: (user: User) => Promise<void>
  removed: (user: UserId) => Promise<void>
}

export interface AccountsParts {
  store: AccountStore
  sessions: Sessions
  tokens: Tokens
  revocations: Revocations
  passwords: Passwords
  guesses: Guesses
  /** Accounts made, by address. */
  signups: RateLimit
  /** New names, by account: each is an entry in all its rooms. */
  renames: RateLimit
  telling: BlockTelling
  events: AccountEvents
  metrics: Metrics
  log: Logger
  now: () => number
}

/** Accounts: who has one, under which name, and whom they block. Every refusal is a value. */
export class Accounts {
  readonly #parts: AccountsParts

  constructor(parts: AccountsParts) {
    this.#parts = parts
  }

  /**
   * Makes an account; nobody is signed in by it. `token` of a guest of the same name: what that guest said is the account's own.
   */
  async signUp(
    username: string,
    password: string,
    { address, token }: { address: string; token: string | undefined },
  ): Promise<User | Refused> {
    const { store, signups, metrics, log, now } = this.#parts
    const retryMs = signups.take(address, now())
    if (retryMs > 0) return tooFast(retryMs)
    const naming = namingOf(username)
    if (naming === undefined) return refused('bad_name')
    if (await store.isTaken(naming.marks)) return refused('username_taken')
    const hash = await this.#hash(password, naming.name)
    if (typeof hash !== 'string') return hash
    const user: UserRecord = {
      id: `user:${newId(12)}`,
      name: naming.name,
      password: hash,
      createdAt: Math.floor(now()),
      formerly: await this.#formerGuest(token, naming.key),
    }
    if (!(await store.addUser(user, naming))) return refused('username_taken')
    metrics.signups.inc()
    log.info({ user: user.id }, 'signed up')
    return { id: user.id, name: user.name }
  }

  async me({ user }: Bearer): Promise<Me> {
    const record = await this.#parts.store.userById(user.id)
    if (record === undefined) return { user }
    const { id, name, createdAt, formerly } = record
    return { user: { id, name }, createdAt, ...(formerly === undefined ? {} : { formerly }) }
  }

  /** Tokens with the old name are void; the one that comes back has the new one. */
  async rename({ user, session }: Bearer, username: string): Promise<LoggedIn | Refused> {
    const { store, sessions, revocations, tokens, renames, events, log, now } = this.#parts
    if (session === undefined) return noAccount()
    const naming = namingOf(username)
    if (naming === undefined) return refused('bad_name')
    if (naming.name !== user.name) {
      const retryMs = renames.take(user.id, now())
      if (retryMs > 0) return tooFast(retryMs)
      const revocation = sessions.revocation()
      if (!(await store.renameUser(user.id, naming, revocation))) return refused('username_taken')
      revocations.add({ users: [{ id: user.id, issuedBefore: revocation.at, code: 4401 }] }, now())
      log.info({ user: user.id }, 'renamed')
      void this.#tell('renamed', events.renamed({ id: user.id, name: naming.name }))
    }
    const renamed = { id: user.id, name: naming.name }
    const from = revocations.goodFrom(user.id, now())
    return { ...(await tokens.issue(renamed, from, session)), user: renamed }
  }

  /** All other sessions end, and no browser but this one is known to the account. @returns the cookie that says so */
  async changePassword(
    { user, session }: Bearer,
    given: { old: string; new: string },
    caller: Caller,
  ): Promise<string | Refused> {
    const { store, sessions, revocations, log, now } = this.#parts
    const record = await this.#confirmed(user.id, given.old, caller)
    if ('refused' in record) return record
    const hash = await this.#hash(given.new, record.name)
    if (typeof hash !== 'string') return hash
    const ended = await store.setPassword(user.id, hash, session, sessions.revocation())
    revocations.add({ sessions: ended }, now())
    log.info({ user: user.id, sessions: ended.length }, 'password changed')
    return sessions.trust(user.id, caller)
  }

  /** The account is gone at once; what it said stays, under the name of nobody. */
  async remove({ user }: Bearer, password: string, caller: Caller): Promise<'removed' | Refused> {
    const { store, sessions, revocations, events, log, now } = this.#parts
    const record = await this.#confirmed(user.id, password, caller)
    if ('refused' in record) return record
    const revocation = sessions.revocation()
    await store.removeUser(user.id, revocation)
    revocations.add({ users: [{ id: user.id, issuedBefore: revocation.at, code: 4403 }] }, now())
    log.info({ user: user.id }, 'account removed')
    void this.#tell('removed', events.removed(user.id))
    return 'removed'
  }

  async blocks({ user }: Bearer): Promise<User[]> {
    return this.#parts.store.blocksOf(user.id)
  }

  async block({ user, session }: Bearer, otherId: UserId): Promise<'done' | Refused> {
    const { store, now } = this.#parts
    if (session === undefined) return noAccount()
    if (otherId === user.id) return refused('bad_request', 'Nobody blocks himself.')
    const outcome = await store.block(user.id, otherId, Math.floor(now()))
    if (outcome === 'full') return refused('too_many')
    if (outcome === 'unknown') return refused('no_such_user')
    return this.#tellBlock(user.id, otherId)
  }

  async unblock({ user, session }: Bearer, otherId: UserId): Promise<'done' | Refused> {
    if (session === undefined) return noAccount()
    await this.#parts.store.unblock(user.id, otherId)
    return this.#tellBlock(user.id, otherId)
  }

  /** The account of this name, in whatever spelling that counts as the same. */
  async byName(username: string): Promise<User | undefined> {
    const name = normaliseName(username)
    const record = name === undefined ? undefined : await this.#parts.store.userByKey(nameKey(name))
    return record && { id: record.id, name: record.name }
  }

  async byId(id: UserId): Promise<User | undefined> {
    const record = await this.#parts.store.userById(id)
    return record && { id: record.id, name: record.name }
  }

  /** Whether either blocks the other. */
  isBlocked(one: UserId, other: UserId): Promise<boolean> {
    return this.#parts.store.isBlocked(one, other)
  }

  /** There is a room between the two from now on: what either said of the other before is told to it. */
  async retellBlocks(one: UserId, other: UserId): Promise<void> {
    const { store, telling } = this.#parts
    for (const [by, of] of [
      [one, other],
      [other, one],
    ] as const)
      if (await store.retellBlock(by, of)) await telling.tell(by, of)
  }

  /** All that is kept of an account itself, for its export: one object for each line. Never a secret. */
  async recordsOf(id: UserId): Promise<AccountRecord[]> {
    const { store, sessions } = this.#parts
    const record = await store.userById(id)
    if (record === undefined) return []
    const { name, createdAt, formerly } = record
    return [
      { type: 'account', id, name, createdAt, formerly },
      ...(await sessions.list(id, undefined)).map(({ current: _current, ...session }) => ({
        type: 'session',
        ...session,
      })),
      ...(await store.blocksOf(id)).map((user) => ({ type: 'block', user })),
    ]
  }

  /** The account, if this is its password. Guessed at by somebody with its token, it is as slow as at the door. */
  async #confirmed(id: UserId, password: string, caller: Caller): Promise<UserRecord | Refused> {
    const { store, passwords, guesses, now } = this.#parts
    const record = await store.userById(id)
    if (record === undefined) return noAccount()
    const guesser = { key: `${id} confirms`, address: caller.address, device: undefined }
    const takeBack = guesses.take(guesser, now())
    if (typeof takeBack === 'number') return tooFast(takeBack)
    const isRight = await passwords.isRight(password, record.password)
    if (isRight === BUSY || isRight) takeBack()
    if (isRight === BUSY) return refused('busy', undefined, LATER)
    return isRight ? record : refused('wrong_password', 'This is not the password of this account.')
  }

  async #hash(password: string, name: string): Promise<string | Refused> {
    const why = whyUnusable(password, name)
    if (why !== undefined) return refused('bad_password', why)
    const hash = await this.#parts.passwords.hash(password)
    return hash === BUSY ? refused('busy', undefined, LATER) : hash
  }

  async #formerGuest(token: string | undefined, key: string): Promise<UserId | undefined> {
    const { tokens, now } = this.#parts
    const claims = token === undefined ? undefined : await tokens.verify(token, now())
    const isSame = claims?.session === undefined && claims !== undefined && nameKey(claims.user.name) === key
    return isSame ? claims.user.id : undefined
  }

  /** It stands in any case; but who asks is not told that all is done while the room between the two does not know it. */
  async #tellBlock(user: UserId, other: UserId): Promise<'done' | Refused> {
    const refusal = await this.#parts.telling.tell(user, other)
    if (refusal === undefined) return 'done'
    return { ...refusal, detail: 'It is noted; the room between you two will be told as soon as it can be.' }
  }

  async #tell(what: string, telling: Promise<void>): Promise<void> {
    try {
      await telling
    } catch (err) {
      this.#parts.log.error({ err, what }, 'what follows a change of an account failed')
    }
  }
}

/** Undefined for a name that no account can have. */
function namingOf(username: string): Naming | undefined {
  const name = normaliseName(username)
  if (name === undefined || looksLike(name, DELETED_NAME)) return undefined
  return { name, key: nameKey(name), marks: nameMarks(name) }
}

function noAccount(): Refused {
  return refused('forbidden', 'This takes an account; guests have none.')
}
