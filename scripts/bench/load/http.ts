import { connect, type Socket } from 'node:net'
import { Latency } from '../../replay/latency.ts'
import type { Gets, Orders } from './orders.ts'

/** `GET`s on kept connections, each as soon as the one before is answered. */
export async function get({ url, connections, forMs, calls }: Orders['get']['ask']): Promise<Gets> {
  const latency = new Latency()
  const ids: Record<string, number> = {}
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  let asked = 0
  let answered = 0
  let refused = 0
  const mayAsk = () => (calls === undefined ? performance.now() - startedAt < (forMs ?? 0) : asked < calls)
  const ask = (caller: Caller) => {
    if (!mayAsk()) return caller.close()
    asked += 1
    caller.ask()
  }
  const target = new URL(url)
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const caller = new Caller(target, (ms, status, body) => {
        latency.add(ms)
        answered += 1
        if (status !== 200) refused += 1
        else {
          const id = ID.exec(body)?.[1] ?? 'none'
          ids[id] = (ids[id] ?? 0) + 1
        }
        ask(caller)
      })
      ask(caller)
      await caller.closed
    }),
  )
  const tookMs = performance.now() - startedAt
  const cpu = process.cpuUsage(cpuBefore)
  return {
    calls: answered,
    tookMs,
    ms: { p50: latency.quantile(0.5), p99: latency.quantile(0.99), p999: latency.quantile(0.999) },
    ids,
    refused,
    load: { cpu: (cpu.user + cpu.system) / 1_000 / tookMs },
  }
}

const ID = /"id":"([^"]*)"/
const LENGTH = /content-length: *(\d+)/i

/** One kept connection with one call at a time. */
class Caller {
  readonly #socket: Socket
  readonly #request: string
  readonly #answered: (ms: number, status: number, body: string) => void
  readonly #closed = Promise.withResolvers<void>()
  #text = ''
  #askedAt = 0

  constructor(url: URL, answered: (ms: number, status: number, body: string) => void) {
    this.#answered = answered
    this.#request = `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text: string) => this.#read(text))
    this.#socket.on('error', (error) => this.#closed.reject(error))
    this.#socket.on('close', () => this.#closed.resolve())
  }

  /** Rejects if the connection broke. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  ask(): void {
    this.#askedAt = performance.now()
    this.#socket.write(this.#request)
  }

  close(): void {
    this.#socket.end()
  }

  #read(text: string): void {
    this.#text += text
    const headEnd = this.#text.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const length = LENGTH.exec(this.#text)?.[1]
    if (length === undefined) {
      this.#socket.destroy(new Error('an answer without content-length cannot be read here'))
      return
    }
    const bodyAt = headEnd + 4
    if (this.#text.length < bodyAt + Number(length)) return
    const answer = this.#text
    this.#text = ''
    this.#answered(performance.now() - this.#askedAt, Number(answer.slice(9, 12)), answer.slice(bodyAt))
  }
}
