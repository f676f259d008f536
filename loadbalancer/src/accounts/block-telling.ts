import type { User, UserId } from '@flotilla/protocol/frames.ts'
import type { Refused } from '../http/problem.ts'
import type { Logger } from '../log.ts'
import type { AccountStore } from './account-store.ts'

/** Those who were not told are asked about again after this long, and then longer and longer. */
const PAUSE_MS = { first: 1_000, longest: 30_000 }
/** Read from the file at once. */
const PAGE = 100
/** What a room may answer otherwise the next time. */
const PASSES: readonly string[] = ['busy', 'rate_limited', 'no_server']

export interface BlockTellingParts {
  store: AccountStore
  /** Tells the room between the two, if there is one; resolves to why it does not know. */
  blocked: (by: User, other: UserId, isBlocked: boolean) => Promise<Refused | undefined>
  log: Logger
  pauseMs?: { first: number; longest: number }
}

/**
 * Has the room between two people know what either has said of the other: it is asked at once, and again, also by the next run
 * of the balancer, until it knows. What is told is what stands on file when it is told.
 */
export class BlockTelling {
  readonly #parts: BlockTellingParts
  /** The last telling of each pair: one at a time. */
  readonly #underway = new Map<string, Promise<Refused | undefined>>()
  readonly #pause: { first: number; longest: number }
  #pauseMs: number
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #isStopped = false

  constructor(parts: BlockTellingParts) {
    this.#parts = parts
    this.#pause = parts.pauseMs ?? PAUSE_MS
    this.#pauseMs = this.#pause.first
  }

  /** An earlier run may not have come to it, or a server that was away is back. */
  go(): void {
    this.#round ??= this.#tellAll().finally(() => (this.#round = undefined))
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#round
    await Promise.allSettled(this.#underway.values())
  }

  /** @returns why the room does not know yet; then it is asked again without anybody's doing */
  async tell(user: UserId, other: UserId): Promise<Refused | undefined> {
    let isTold = false
    try {
      const refusal = await this.#inTurn(user, other)
      isTold = refusal === undefined
      return refusal
    } finally {
      if (!isTold) this.#later()
    }
  }

  #inTurn(user: UserId, other: UserId): Promise<Refused | undefined> {
    const pair = `${user} ${other}`
    const before = this.#underway.get(pair) ?? Promise.resolve(undefined)
    const telling = before
      .catch(() => undefined) // whoever asked for that one hears of it
      .then(() => this.#tell(user, other))
      .finally(() => {
        if (this.#underway.get(pair) === telling) this.#underway.delete(pair)
      })
    this.#underway.set(pair, telling)
    return telling
  }

  async #tell(user: UserId, other: UserId): Promise<Refused | undefined> {
    const { store, blocked, log } = this.#parts
    const untold = await store.untoldBlock(user, other)
    const by = await store.userById(user)
    if (untold === undefined || by === undefined) return undefined
    const refusal = await blocked({ id: by.id, name: by.name }, other, untold.isBlocked)
    if (refusal !== undefined && PASSES.includes(refusal.refused)) return refusal
    if (refusal !== undefined)
      log.error({ user, other, code: refusal.refused }, 'a room does not take what one said of the other')
    await store.blockTold(user, other, untold.turn)
    return undefined
  }

  #later(): void {
    if (this.#isStopped) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.go()
    }, this.#pauseMs)
  }

  async #tellAll(): Promise<void> {
    const { store, log } = this.#parts
    let isAllTold = true
    try {
      let after: [UserId, UserId] = ['', '']
      for (;;) {
        const page = await store.untoldBlocks(after, PAGE)
        for (const { userId, other } of page) {
          if (this.#isStopped) return
          const refusal = await this.#inTurn(userId, other)
          if (refusal === undefined) continue
          isAllTold = false
          log.warn({ user: userId, code: refusal.refused }, 'a room does not know yet who blocks whom')
        }
        const last = page.at(-1)
        if (last === undefined || page.length < PAGE) break
        after = [last.userId, last.other]
      }
    } catch (err) {
      isAllTold = false
      log.error({ err }, 'rooms could not be told who blocks whom')
    }
    const { first, longest } = this.#pause
    this.#pauseMs = isAllTold ? first : Math.min(2 * this.#pauseMs, longest)
    if (!isAllTold) this.#later()
  }
}
