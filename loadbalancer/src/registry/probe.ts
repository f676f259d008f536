import { Agent, request } from 'undici'
import * as z from 'zod/mini'
import type { ProbeOutcome } from './registry.ts'

/** How long a registering server has to answer the dial-back. */
export const DIAL_BACK_MS = 2_000
/** How long a silent one has to answer a probe. */
export const PROBE_MS = 1_000
const MAX_BODY_BYTES = 4 * 1024
/** All that a probe looks at; whatever else a server says of its health is its own. */
const WhoSchema = z.object({ id: z.string(), inc: z.string() })

export interface Address {
  host: string
  port: number
}

/** Asks servers who they are, at their `/healthz`. */
export class Prober {
  /** A connection of its own for each question: the question is whether one can be made. */
  readonly #agent = new Agent({ pipelining: 0, maxHeaderSize: 8 * 1024 })

  /**
   * Whether the run `inc` of server `id` answers at this address, within `timeoutMs` for everything. Follows no
   * redirect, reads no more than a small body and tells nothing of it: what fleet members register as their address
   * must not become a way to read other services. Never rejects.
   */
  async ask({ host, port }: Address, id: string, inc: string, timeoutMs: number): Promise<ProbeOutcome> {
    const origin = originOf(host, port)
    if (origin === undefined) return 'failed'
    try {
      const { statusCode, body } = await request(`${origin}/healthz`, {
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(timeoutMs),
      })
      let text = ''
      for await (const chunk of body) {
        text += String(chunk)
        if (text.length > MAX_BODY_BYTES) return 'other'
      }
      const health = statusCode === 200 ? WhoSchema.safeParse(parse(text)) : undefined
      return health?.success && health.data.id === id && health.data.inc === inc ? 'ok' : 'other'
    } catch (error) {
      return isRefusal(error) ? 'refused' : 'failed'
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

/** `http://host:port`, if the host is nothing but a host. */
export function originOf(host: string, port: number): string | undefined {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  if (!/^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/.test(name)) return undefined
  return URL.canParse(`http://${name}:${port}`) ? `http://${name}:${port}` : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Nobody listens there; a host with several addresses reports one error for each. */
function isRefusal(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isRefusal)
  return (error as { code?: unknown } | null)?.code === 'ECONNREFUSED'
}
