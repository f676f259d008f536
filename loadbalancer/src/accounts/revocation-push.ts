import { setTimeout as pause } from 'node:timers/promises'
import type { Peer } from '@flotilla/protocol/control.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Revocations } from './revocations.ts'

const ANSWER_MS = 1_000
/** Additions told in one call: at the most a hundred sessions each, and mostly one, so that a body stays well below 1 MiB. */
const AT_ONCE = 200
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

/** Calls a server with the secret of the fleet; never rejects. */
export type CallServer = (
  server: Peer,
  path: string,
  body: object,
  timeoutMs: number,
) => Promise<{ is: 'ok' | 'problem' | 'unreachable' }>

export interface RevocationPushParts {
  revocations: Revocations
  /** Those that may have clients. */
  servers: () => readonly Peer[]
  call: CallServer
  metrics: Metrics
  log: Logger
  now: () => number
}

interface Line {
  /** The number of the last addition this server knows of. */
  told: number
  telling: Promise<void> | undefined
}

/**
 * Tells every server at once what is revoked, and one that does not answer again and again, until it does, is forgotten, or nothing
 * is left to tell. A server that registers is told everything in the answer.
 */
export class RevocationPush {
  readonly #parts: RevocationPushParts
  readonly #lines = new Map<string, Line>()
  readonly #stopping = new AbortController()

  constructor(parts: RevocationPushParts) {
    this.#parts = parts
  }

  /** Servers may have missed the last words of an earlier run. */
  start(): void {
    this.#parts.revocations.onAdded(() => this.#tellAll())
    this.#tellAll()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const { telling } of this.#lines.values()) await telling
  }

  #tellAll(): void {
    for (const { id } of this.#parts.servers()) {
      const line = this.#lines.get(id) ?? { told: 0, telling: undefined }
      this.#lines.set(id, line)
      line.telling ??= this.#tell(id, line).finally(() => {
        line.telling = undefined
      })
    }
  }

  async #tell(id: string, line: Line): Promise<void> {
    const { revocations, call, metrics, log, now } = this.#parts
    let pauseMs = FIRST_PAUSE_MS
    while (line.told < revocations.version && !this.#stopping.signal.aborted) {
      const server = this.#parts.servers().find((each) => each.id === id)
      if (server === undefined) {
        this.#lines.delete(id)
        return
      }
      const { version, revoke } = revocations.since(line.told, now(), AT_ONCE)
      const isNothing = revoke.sessions?.length === 0 && revoke.users?.length === 0
      const { is } = isNothing ? { is: 'ok' } : await call(server, '/internal/revoke', revoke, ANSWER_MS)
      if (is === 'ok') {
        line.told = version
        pauseMs = FIRST_PAUSE_MS
        continue
      }
      metrics.revocationsFailed.inc({ outcome: is })
      log.warn({ id, outcome: is }, 'a server was not told what is revoked')
      await pause(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    }
  }
}
