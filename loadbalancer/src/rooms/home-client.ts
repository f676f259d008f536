import type { Peer, Problem } from '@flotilla/protocol/control.ts'
import { Agent, request } from 'undici'
import { originOf } from '../registry/probe.ts'

/** What a server made of a call: its answer, its refusal, or nothing (`unreachable`: whether it was done is unknown). */
export type Reply =
  | { is: 'ok'; body: unknown }
  | { is: 'problem'; status: number; problem: Partial<Problem>; retryAfter: string | undefined }
  | { is: 'unreachable' }

const MAX_ANSWER_BYTES = 64 * 1024 * 1024
/** Connections to one server: a slow one must not hold up the calls to the others, nor be flooded. */
const CONNECTIONS = 16

/** Calls chat servers by HTTP, as the fleet secret allows. */
export class HomeClient {
  readonly #secret: string
  readonly #agent = new Agent({
    connections: CONNECTIONS,
    maxResponseSize: MAX_ANSWER_BYTES,
    connect: { timeout: 1_000 },
  })

  constructor(secret: string) {
    this.#secret = secret
  }

  /** `path` begins with `/internal/`. Never rejects. */
  async call(
    { host, port }: Pick<Peer, 'host' | 'port'>,
    path: string,
    body: object,
    timeoutMs: number,
  ): Promise<Reply> {
    const origin = originOf(host, port)
    if (origin === undefined) return { is: 'unreachable' }
    try {
      const answer = await request(origin + path, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#secret}` },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const json: unknown = await answer.body.json()
      if (answer.statusCode === 200) return { is: 'ok', body: json }
      const problem = typeof json === 'object' && json !== null ? json : {}
      const retryAfter = answer.headers['retry-after']
      return {
        ...{ is: 'problem', status: answer.statusCode, problem },
        retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
      }
    } catch {
      return { is: 'unreachable' }
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}
