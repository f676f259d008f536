import type { Clock } from './clock.ts'
import { Timer } from './clock.ts'

/** A balancer that has not answered by then is passed over. */
const ANSWER_MS = 5_000
/** What "try later" means where the header cannot be read (another origin). */
const DEFAULT_RETRY_MS = 1_000

export type Located =
  | { url: string; alternatives: readonly string[] }
  /** With `retryAfterMs`: a balancer answered, but has no server; without: none answered. */
  | { url: undefined; retryAfterMs?: number }

/** Asks one balancer after the other where to connect [R1]; the first that names a server ends it. Never rejects. */
export async function locate(
  loadbalancers: readonly string[],
  ports: { fetch: typeof fetch; clock: Clock },
  signal: AbortSignal,
): Promise<Located> {
  let retryAfterMs: number | undefined
  for (const base of loadbalancers) {
    const answer = await ask(base, ports, signal)
    if (signal.aborted) break
    if (answer?.url !== undefined) return answer
    if (answer?.retryAfterMs !== undefined) {
      retryAfterMs = Math.min(retryAfterMs ?? Infinity, answer.retryAfterMs)
    }
  }
  return { url: undefined, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

async function ask(
  base: string,
  { fetch, clock }: { fetch: typeof globalThis.fetch; clock: Clock },
  signal: AbortSignal,
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
    const response = await fetch(`${base}/get`, { signal: stop.signal, cache: 'no-store' })
    if (response.status === 503 || response.status === 429) {
      void response.body?.cancel()
      const seconds = Number(response.headers.get('retry-after') ?? NaN)
      return { url: undefined, retryAfterMs: seconds >= 0 ? seconds * 1_000 : DEFAULT_RETRY_MS }
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
