import { setTimeout as pause } from 'node:timers/promises'
import { PROBLEMS, type ProblemCode } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { refused, type Refused } from '../http/problem.ts'
import type { Logger } from '../log.ts'
import type { HomeClient } from './home-client.ts'
import type { PlaceOutcome } from './placement.ts'

/** A home that says nothing for so long is asked again, or another one is: what it may have done, it will not do twice. */
const ATTEMPT_MS = 2_500
const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 400

/** What a home's refusals are here; any other is its own trouble. */
const PASSED_ON = ['forbidden', 'no_such_room', 'conflict', 'bad_request', 'rate_limited'] as const
const LATER = { 'retry-after': '2' }

export interface HomesParts {
  place: (roomId: RoomId) => Promise<PlaceOutcome>
  /** Probes this server, and resolves when it is known whether it answers. */
  suspect: (server: string) => Promise<void>
  client: HomeClient
  log: Logger
  /** For how long a call looks for a home that can answer it. */
  patienceMs: () => number
}

/** Asks the home of a room, wherever that is just now: it may be moving, dead, or not know yet that it is the home. */
export class Homes {
  readonly #parts: HomesParts
  readonly #stopping = new AbortController()

  constructor(parts: HomesParts) {
    this.#parts = parts
  }

  /**
   * `call` = what stands behind `/internal/rooms/<room>/`. It may reach homes more than once, so it has to bear an id, or change
   * nothing. Of a refusal its code is passed on; what nobody can answer now is `busy`.
   */
  async ask(
    roomId: RoomId,
    call: string,
    body: object,
  ): Promise<{ answer: unknown; home: string } | Refused> {
    const { place, suspect, client, log, patienceMs } = this.#parts
    const deadline = performance.now() + patienceMs()
    const path = `/internal/rooms/${roomId}/${call}`
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const outcome = await place(roomId)
      if (outcome === 'no_such_room') return refused('no_such_room')
      if (outcome !== 'no_server') {
        const { home } = outcome.placed
        const leftMs = Math.max(1, deadline - performance.now())
        const reply = await client.call(home, path, body, Math.min(ATTEMPT_MS, leftMs))
        if (reply.is === 'ok') return { answer: reply.body, home: home.id }
        if (reply.is === 'problem') {
          const refusal = passedOn(reply)
          if (refusal !== undefined) return refusal
          log.debug({ room: roomId, call, home: home.id, code: reply.problem.code }, 'a home put a call off')
        } else {
          log.debug({ room: roomId, call, home: home.id }, 'a home did not answer')
          await suspect(home.id)
        }
      }
      if (this.#stopping.signal.aborted) return refused('busy', undefined, LATER)
      if (performance.now() + pauseMs >= deadline) {
        log.warn({ room: roomId, call }, 'no home answered in time')
        return refused('busy', undefined, LATER)
      }
      await pause(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {})
    }
  }

  /** Nobody is asked again; who still waits is told to come later. */
  stop(): void {
    this.#stopping.abort()
  }
}

function passedOn({
  problem: { code, detail },
  retryAfter,
}: {
  problem: { code?: string; detail?: string }
  retryAfter: string | undefined
}): Refused | undefined {
  const known = PASSED_ON.find((each) => each === code)
  if (known === undefined) return undefined
  // Of a room that is not for him nobody learns more than that: not even by how it is said.
  if (known === 'no_such_room') return refused(known)
  const headers = known === 'rate_limited' ? { 'retry-after': retryAfter ?? '1' } : undefined
  return refused(known satisfies ProblemCode, detail ?? PROBLEMS[known].detail, headers)
}
