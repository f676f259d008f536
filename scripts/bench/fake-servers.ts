import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

const REPORT_MS = 1_000

/** Servers a balancer believes in: they answer its dial-back and report, and nobody is ever on them. */
export class FakeServers {
  readonly #loadbalancer: string
  readonly #secret: string
  readonly #https: Server[] = []
  readonly #ids: { id: string; inc: string }[] = []
  #n = 0
  #timer: NodeJS.Timeout | undefined

  constructor(loadbalancer: string, secret: string) {
    this.#loadbalancer = loadbalancer
    this.#secret = secret
  }

  /** Registers `count` of them and begins to report. */
  async start(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      const who = { id: `fake-${i}`, inc: randomUUID() }
      const http = createServer((_request, response) => response.end(JSON.stringify({ ...who, ok: true })))
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
      const { port } = http.address() as AddressInfo
      const url = `ws://127.0.0.1:${port}/ws`
      await this.#post('/register', { ...who, url, host: '127.0.0.1', port, capacity: 100_000 })
      this.#https.push(http)
      this.#ids.push(who)
    }
    await this.report()
    this.resume()
  }

  /** All of them report now, once. */
  async report(): Promise<void> {
    this.#n += 1
    const load = { clients: 0, rooms: 0, draining: false, loopDelayMs: 0, commitNo: 0 }
    await Promise.all(this.#ids.map((who) => this.#post('/update', { ...who, n: this.#n, ...load })))
  }

  /** Reports no more, until `resume`. Resolves when no report is on its way. */
  async hush(): Promise<void> {
    clearInterval(this.#timer)
    await pause(100)
  }

  resume(): void {
    this.#timer = setInterval(() => void this.report().catch(() => this.stop()), REPORT_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const http of this.#https) http.close()
  }

  async #post(path: string, body: object): Promise<void> {
    const response = await fetch(`${this.#loadbalancer}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#secret}` },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${text}`)
  }
}
