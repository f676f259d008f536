import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendProblem, type ProblemCode } from './http-problem.ts'
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
  const withBody = request.method !== 'HEAD'
  const send = (type: string, body: string) => {
    response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
    response.end(withBody ? body : undefined)
  }
  const json = (body: object) => send('application/json', JSON.stringify(body))
  const problem = (code: ProblemCode) => sendProblem(response, code, withBody)
  if (path !== '/healthz' && path !== '/readyz' && path !== '/metrics') return problem('not_found')
  if (request.method !== 'GET' && request.method !== 'HEAD') return problem('method_not_allowed')
  if (path === '/healthz') return json(facts.healthz())
  if (path === '/readyz') return facts.isReady() ? json({ ready: true }) : problem('not_ready')
  send(facts.metrics.contentType, await facts.metrics.text())
}
