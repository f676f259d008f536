// How a running supervisor is asked to do something: HTTP on loopback, any free port, with the secret of the fleet.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bearsFleetSecret } from '@flotilla/protocol/node/fleet-secret.ts'
import type { RestartState } from './restart-policy.ts'

/** One process as its supervisor sees it. */
export interface ProcessRow {
  name: string
  kind: string
  port: number
  /** Absent while it does not run. */
  pid?: number
  url: string
  status: RestartState['status']
}

/** What the supervisor offers. */
export interface Controlled {
  processes(): ProcessRow[]
  /** Begins to restart it. @returns false if there is no process of this name, or it is not up */
  restart(name: string): boolean
}

export interface Control {
  readonly url: string
  close(): void
}

/**
 * `GET /processes` → 200 `ProcessRow[]`; `POST /processes/NAME/restart` → 202, 409 if it is not up; 401 without the secret.
 * That a restart is over shows in the rows: another pid, and `ready`.
 */
export async function serveControl(controlled: Controlled, secret: string): Promise<Control> {
  const server = createServer((request, response) => answer(request, response, controlled, secret))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  controlled: Controlled,
  secret: string,
): void {
  const send = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  request.resume()
  if (!bearsFleetSecret(request.headers.authorization, secret)) return send(401, { code: 'unauthenticated' })
  const { method = '', url = '' } = request
  if (method === 'GET' && url === '/processes') return send(200, controlled.processes())
  const name = /^\/processes\/([^/]+)\/restart$/.exec(url)?.[1]
  if (method !== 'POST' || name === undefined) return send(404, { code: 'not_found' })
  if (controlled.restart(decodeURIComponent(name))) send(202, {})
  else send(409, { code: 'not_up' })
}

/** The other end of it. Every call throws where the supervisor does not answer, or refuses. */
export class ControlClient {
  readonly #url: string
  readonly #secret: string

  constructor(url: string, secret: string) {
    this.#url = url
    this.#secret = secret
  }

  async processes(): Promise<ProcessRow[]> {
    return (await (await this.#ask('GET', '/processes')).json()) as ProcessRow[]
  }

  async restart(name: string): Promise<void> {
    await this.#ask('POST', `/processes/${encodeURIComponent(name)}/restart`)
  }

  async #ask(method: string, path: string): Promise<Response> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#secret}` },
      signal: AbortSignal.timeout(20_000),
    })
    if (response.ok) return response
    const { code } = (await response.json().catch(() => ({}))) as { code?: string }
    throw new Error(`${method} ${path} was answered ${response.status} ${code}`)
  }
}
