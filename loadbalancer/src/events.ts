import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Metrics } from './metrics.ts'

/** Connections at once; the next one is refused. */
export const MAX_LISTENERS = 200
/** A listener that leaves this much unread is cut off; it comes back by itself and starts from a snapshot. */
const MAX_UNREAD_BYTES = 256 * 1024
/** Below the idle timeouts of the usual proxies. */
export const HEARTBEAT_MS = 15_000

/** Server-sent events: what changes in the fleet, to everybody who watches. Nothing is kept for who is not there. */
export class Events {
  readonly #listeners = new Set<ServerResponse>()
  readonly #metrics: Metrics

  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  get isFull(): boolean {
    return this.#listeners.size >= MAX_LISTENERS
  }

  get count(): number {
    return this.#listeners.size
  }

  /** Starts the stream of one listener, with `snapshot` as its first event. */
  listen(request: IncomingMessage, response: ServerResponse, snapshot: unknown): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no', // nginx would hold the events back
    })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    response.write(`retry: 2000\n${frame('snapshot', snapshot)}`)
    this.#listeners.add(response)
    this.#metrics.listeners.set(this.#listeners.size)
    response.on('error', () => {}) // a listener that went away; `close` follows
    response.on('close', () => {
      this.#listeners.delete(response)
      this.#metrics.listeners.set(this.#listeners.size)
    })
  }

  send(event: 'registry' | 'placement', data: unknown): void {
    if (this.#listeners.size > 0) this.#write(frame(event, data))
  }

  /** Call it every HEARTBEAT_MS: finds connections that are gone without a word. */
  beat(): void {
    this.#write(':\n\n')
  }

  close(): void {
    for (const listener of this.#listeners) listener.end()
  }

  #write(text: string): void {
    for (const listener of this.#listeners) {
      if (listener.writableLength > MAX_UNREAD_BYTES) {
        this.#metrics.droppedListeners.inc()
        listener.destroy()
      } else {
        listener.write(text)
      }
    }
  }
}

function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
