import type { IncomingMessage, ServerResponse } from 'node:http'

/** Which pages may call from a browser: an exact list, no patterns; anyone else's get no CORS headers at all. */
export class Cors {
  readonly #origins: ReadonlySet<string>

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins)
  }

  /** Whether a page of another origin made the request. Programs that are no browser send none. */
  isForeign({ headers: { origin } }: IncomingMessage): boolean {
    return origin !== undefined && !this.#origins.has(origin)
  }

  /** Lets the page of an allowed origin read the answer. Call it before the head is written. */
  allow({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
    response.setHeader('vary', 'origin') // also without: a cache must not give one page's answer to another's
    if (origin === undefined || !this.#origins.has(origin)) return
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('access-control-allow-credentials', 'true')
    response.setHeader('access-control-expose-headers', 'retry-after')
  }

  /** Answers a preflight for a path with these methods. */
  preflight(request: IncomingMessage, response: ServerResponse, methods: readonly string[]): void {
    this.allow(request, response)
    if (response.hasHeader('access-control-allow-origin')) {
      response.setHeader('access-control-allow-methods', methods.join(', '))
      response.setHeader('access-control-allow-headers', 'authorization, content-type, idempotency-key')
      response.setHeader('access-control-max-age', '600')
    }
    response.writeHead(204, { allow: methods.join(', ') })
    response.end()
  }
}
