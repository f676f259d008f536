import type { Clock } from './clock.ts'
import { Timer } from './clock.ts'

/** A balancer that has not answered by then is passed over. */
const ANSWER_MS = 5_000
/** What "try later" means where the header cannot be read (another origin). */
const DEFAULT_RETRY_MS = 1_000

export type Located =
  | { url: string; alternatives: readonly string[] }
  /** With `retryAfterMs`: a balancer answered, but has no server; without: none answered. `place`: in its line, 1 = next. */
  | { url: undefined; retryAfterMs?: number; place?: number }

/** Asks one balancer after the other where to connect [R1]; the first that names a server ends it. Never rejects. */
export async function locate(
  loadbalancers: readonly string[],
  ports: { fetch: typeof fetch; clock: Clock },
  signal: AbortSignal,
  /** Keeps this client's place in a line. */
  ticket?: string,
): Promise<Located> {
  let retryAfterMs: number | undefined
  let place: number | undefined
  for (const base of loadbalancers) {
    const answer = await ask(base, ports, signal, ticket)
    if (signal.aborted) break
    if (answer?.url !== undefined) return answer
    if (answer?.retryAfterMs !== undefined) {
      retryAfterMs = Math.min(retryAfterMs ?? Infinity, answer.retryAfterMs)
      if (answer.place !== undefined) place = Math.min(place ?? Infinity, answer.place)
    }
  }
  return {
    url: undefined,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(place === undefined ? {} : { place }),
  }
}

async function ask(
  base: string,
  { fetch, clock }: { fetch: typeof globalThis.fetch; clock: Clock },
  signal: AbortSignal,
  ticket: string | undefined,
): Promise<Located | undefined> {
  const stop = new AbortController()
  const timer = new Timer(clock, () => stop.abort())
  const abort = () => {
    timer.clear()
    stop.abort()
  }
  timer.set(ANSWER_MS)
  signal.addEventListener('abort', abort)
  try {
    const url = ticket === undefined ? `${base}/get` : `${base}/get?ticket=${encodeURIComponent(ticket)}`
    const response = await fetch(url, { signal: stop.signal, cache: 'no-store' })
    if (response.status === 503 || response.status === 429) {
      const seconds = Number(response.headers.get('retry-after') ?? NaN)
      const retryAfterMs = seconds >= 0 ? seconds * 1_000 : DEFAULT_RETRY_MS
      const problem = (await response.json().catch(() => null)) as { place?: unknown } | null
      const place = problem?.place
      return { url: undefined, retryAfterMs, ...(isPlace(place) ? { place } : {}) }
    }
    if (!response.ok) {
      void response.body?.cancel()
      return undefined
    }
    const body = (await response.json()) as { url?: unknown; alternatives?: unknown } | null
    if (typeof body?.url !== 'string') return undefined
    const others: unknown[] = Array.isArray(body.alternatives) ? body.alternatives : []
    return { url: body.url, alternatives: others.filter((url) => typeof url === 'string') }
  } catch {
    return undefined // down, unreachable, too late, or not a balancer: the same to us
  } finally {
    timer.clear()
    signal.removeEventListener('abort', abort)
  }
}

function isPlace(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}
