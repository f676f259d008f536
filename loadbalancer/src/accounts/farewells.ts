import type { ForgetUser } from '@flotilla/protocol/accounts.ts'
import type { Peer } from '@flotilla/protocol/control.ts'
import type { UserId } from '@flotilla/protocol/frames.ts'
import { DELETED_NAME } from '@flotilla/protocol/names.ts'
import type { Logger } from '../log.ts'
import type { AccountStore } from './account-store.ts'
import type { CallServer } from './revocation-push.ts'

/** A server goes through its rooms for it. */
const ANSWER_MS = 10_000
/** Whoever was not reached is asked again after this long; and at once when it registers. */
const AGAIN_MS = 30_000
/** Accounts asked about in one round. */
const ROUND = 100
/** Rounds in a row in which all have to confirm. */
const CONFIRMED = 2

export interface FarewellsParts {
  store: AccountStore
  /** All that may hold a room, up or not. */
  servers: () => readonly Peer[]
  call: CallServer
  log: Logger
}

/**
 * Has every server take the names of removed accounts off what they said. It is done when all known servers have confirmed in two
 * rounds in a row: a room may have gone from one that was not reached to one that had confirmed before, be it in the same round.
 */
export class Farewells {
  readonly #parts: FarewellsParts
  #round: Promise<void> | undefined
  #isWanted = false
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(parts: FarewellsParts) {
    this.#parts = parts
  }

  /** Somebody is gone, or a server that was away is back. */
  go(): void {
    if (this.#isStopped) return
    this.#isWanted = true
    this.#round ??= this.#rounds().finally(() => {
      this.#round = undefined
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#round
  }

  async #rounds(): Promise<void> {
    const { log } = this.#parts
    while (this.#isWanted && !this.#isStopped) {
      this.#isWanted = false
      clearTimeout(this.#timer)
      try {
        if (!(await this.#oneRound())) this.#timer = setTimeout(() => this.go(), AGAIN_MS)
      } catch (err) {
        log.error({ err }, 'removed accounts could not be looked up')
        this.#timer = setTimeout(() => this.go(), AGAIN_MS)
      }
    }
  }

  /** @returns whether nothing is left to do */
  async #oneRound(): Promise<boolean> {
    const { store, servers, log } = this.#parts
    const departed = await store.departed()
    if (departed.length === 0) return true
    const round = departed.slice(0, ROUND)
    for (let confirmed = 0; confirmed < CONFIRMED; confirmed += 1) {
      const known = servers()
      const outcomes = await Promise.all(known.map((server) => this.#tell(server, round)))
      if (known.length === 0 || outcomes.includes(false)) return false
    }
    await store.departureKnown(round)
    log.info({ accounts: round.length }, 'removed accounts are forgotten everywhere')
    if (departed.length > round.length) this.#isWanted = true
    return true
  }

  async #tell(server: Peer, users: readonly UserId[]): Promise<boolean> {
    const { call, log } = this.#parts
    for (const id of users) {
      if (this.#isStopped) return false
      const body: ForgetUser = { user: { id, name: DELETED_NAME } }
      const { is } = await call(server, '/internal/forget-user', body, ANSWER_MS)
      if (is === 'ok') continue
      log.warn({ id: server.id, outcome: is }, 'a server did not forget a removed account yet')
      return false
    }
    return true
  }
}
