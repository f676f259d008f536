import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Metrics } from './metrics.ts'

/** What a chat server answers to plain HTTP requests: how it is, for the balancer, for people and for Prometheus. */

export interface HttpFacts {
  /** The body of `GET /healthz`. */
  healthz: () => object
  /** Whether it takes clients. */
  isReady: () => boolean
  metrics: Metrics
}

export async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  facts: HttpFacts,
): Promise<void> {
  const path = request.url?.split('?', 1)[0]
  const send = (status: number, type: string, body: string) => {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  const json = (status: number, body: object, type = 'application/json') =>
    send(status, type, JSON.stringify(body))
  const problem = (status: number, code: string, title: string) =>
    json(status, { type: 'about:blank', title, status, code }, 'application/problem+json')
  if (path !== '/healthz' && path !== '/readyz' && path !== '/metrics') {
    return problem(404, 'not_found', 'There is nothing here')
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problem(405, 'method_not_allowed', 'This method is not offered here')
  }
  if (path === '/healthz') return json(200, facts.healthz())
  if (path === '/readyz') {
    return facts.isReady() ? json(200, { ready: true }) : problem(503, 'not_ready', 'Draining')
  }
  send(200, facts.metrics.contentType, await facts.metrics.text())
}
