import { HealthSchema, KeySetSchema, ReadySchema, SnapshotSchema } from '@flotilla/protocol/control.ts'
import type { Tokens } from './accounts/tokens.ts'
import type { Events } from './events.ts'
import { sendRefusal } from './http/mount.ts'
import { refused } from './http/problem.ts'
import { ok, route, type Route } from './http/route.ts'
import type { Metrics } from './metrics.ts'
import type { Registry } from './registry/registry.ts'

export interface StatusParts {
  id: string
  /** This run. */
  inc: string
  registry: Registry
  events: Events
  metrics: Metrics
  tokens: Tokens
  isStopping: () => boolean
  now: () => number
}

/** How the balancer is, and what it tells those who watch. */
export function statusRoutes(parts: StatusParts): Route[] {
  const { id, inc, registry, events, metrics, tokens, isStopping, now } = parts
  return [
    route({
      method: 'get',
      path: '/healthz',
      summary: 'The process lives.',
      door: 'anyone',
      cors: false,
      answers: { status: 200, schema: HealthSchema },
      problems: [],
      perform: () => ok({ id, inc, ok: true }),
    }),
    route({
      method: 'get',
      path: '/readyz',
      summary: 'The balancer takes requests; how many servers it can send clients to.',
      door: 'anyone',
      cors: false,
      answers: { status: 200, schema: ReadySchema },
      problems: ['not_ready'],
      perform: () =>
        isStopping() ? refused('not_ready') : ok({ ready: true, serversUp: registry.states().up }),
    }),
    route({
      method: 'get',
      path: '/metrics',
      summary: 'Prometheus metrics.',
      door: 'anyone',
      cors: false,
      answers: { status: 200, type: 'text/plain' },
      problems: [],
      respond: async (_request, response) => {
        const text = await metrics.text()
        response
          .writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' })
          .end(text)
      },
    }),
    route({
      method: 'get',
      path: '/events',
      summary:
        'Server-sent events: `snapshot` (Snapshot) first, then `registry` (RegistryChange) and `placement` (PlacementChange).',
      door: 'anyone',
      cors: true,
      answers: { status: 200, type: 'text/event-stream' },
      problems: ['rate_limited'],
      respond: (request, response) => {
        if (events.isFull) {
          sendRefusal(
            response,
            refused('rate_limited', 'Too many are listening.', { 'retry-after': '10' }),
            parts,
          )
        } else {
          events.listen(request, response, SnapshotSchema.parse({ servers: registry.rows(now()) }))
        }
      },
    }),
    route({
      method: 'get',
      path: '/.well-known/jwks.json',
      summary: 'The public keys tokens are verified by.',
      door: 'anyone',
      cors: false,
      answers: { status: 200, schema: KeySetSchema },
      problems: [],
      perform: () => ok(tokens.publicKeys, { 'cache-control': 'public, max-age=60' }),
    }),
  ]
}
