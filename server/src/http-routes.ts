import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerInternal, type InternalDoor } from './http-internal.ts'
import { sendJson, sendProblem, sendText, type ProblemCode } from './http-problem.ts'
import type { Metrics } from './metrics.ts'

/** What a chat server answers to plain HTTP requests: how it is, for the balancer, for people and for Prometheus. */

export interface HttpFacts {
  /** The body of `GET /healthz`. */
  healthz: () => object
  /** Whether it takes clients. */
  isReady: () => boolean
  metrics: Metrics
  internal: InternalDoor
}

export async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  { healthz, isReady, metrics, internal }: HttpFacts,
): Promise<void> {
  const path = request.url?.split('?', 1)[0] ?? ''
  if (path.startsWith('/internal/')) return answerInternal(request, response, internal)
  const withBody = request.method !== 'HEAD'
  const problem = (code: ProblemCode) => sendProblem(response, code, { withBody })
  if (path !== '/healthz' && path !== '/readyz' && path !== '/metrics') return problem('not_found')
  if (request.method !== 'GET' && request.method !== 'HEAD') return problem('method_not_allowed')
  if (path === '/healthz') return sendJson(response, healthz(), withBody)
  if (path === '/readyz')
    return isReady() ? sendJson(response, { ready: true }, withBody) : problem('not_ready')
  sendText(response, metrics.contentType, await metrics.text(), withBody)
}
