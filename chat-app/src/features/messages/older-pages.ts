import { resendDelay } from '@flotilla/protocol/client/backoff.ts'
import { ChatError } from '@flotilla/protocol/client/client.ts'
import { Timer, type Clock } from '@flotilla/protocol/client/clock.ts'
import type { Page } from '@flotilla/protocol/client/questions.ts'
import { mayTryAgain } from '@flotilla/protocol/errors.ts'

/** Refusals in a row after which the reader is told, and decides when to ask again. */
export const MAX_TRIES = 5

export interface OlderParts {
  /** Asks for the page before what is shown. @throws ChatError */
  ask: () => Promise<Page>
  take: (page: Page) => void
  /** `state` is another one. */
  changed: () => void
  clock: Clock
  random: () => number
}

/**
 * Reads back, one page at a time. A page that is refused for now is asked for again, when the server said or a little later
 * each time; one that a lost line cut off, when there is a line again.
 */
export class OlderPages {
  readonly #parts: OlderParts
  readonly #again: Timer
  #state: 'idle' | 'loading' | 'failed' = 'idle'
  #tries = 0
  /** Of the question under way: the answer to an earlier one is not taken. */
  #question = 0
  #wasCutOff = false

  constructor(parts: OlderParts) {
    this.#parts = parts
    this.#again = new Timer(parts.clock, () => void this.#ask())
  }

  /** `failed`: refused for good, or too often; `retry` asks again. */
  get state(): 'idle' | 'loading' | 'failed' {
    return this.#state
  }

  /** Begins, unless it is under way or failed; resolves after the first answer. */
  async load(): Promise<void> {
    if (this.#state === 'idle') await this.#begin()
  }

  async retry(): Promise<void> {
    if (this.#state === 'failed') await this.#begin()
  }

  /** There is no line: what is under way will not be answered. */
  cutOff(): void {
    const wasCutOff = this.#wasCutOff || this.#state === 'loading'
    this.stop()
    this.#wasCutOff = wasCutOff
  }

  /** There is a line. */
  resume(): void {
    if (!this.#wasCutOff) return
    this.#wasCutOff = false
    void this.load()
  }

  /** What was asked for is of no use any more. */
  stop(): void {
    this.#question += 1
    this.#wasCutOff = false
    this.#again.clear()
    this.#become('idle')
  }

  async #begin(): Promise<void> {
    this.#tries = 0
    await this.#ask()
  }

  async #ask(): Promise<void> {
    this.#become('loading')
    const question = ++this.#question
    try {
      const page = await this.#parts.ask()
      if (question !== this.#question) return
      this.#parts.take(page)
      this.#become('idle')
    } catch (cause) {
      if (question === this.#question) this.#refused(cause)
    }
  }

  #refused(cause: unknown): void {
    if (!(cause instanceof ChatError)) {
      this.#become('failed')
      throw cause
    }
    const { code, retryMs } = cause
    this.#tries += 1
    if (!mayTryAgain(code, retryMs) || this.#tries >= MAX_TRIES) this.#become('failed')
    else this.#again.set(resendDelay(this.#tries - 1, this.#parts.random, retryMs))
  }

  #become(state: 'idle' | 'loading' | 'failed'): void {
    if (state === this.#state) return
    this.#state = state
    this.#parts.changed()
  }
}
