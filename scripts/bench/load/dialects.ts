import { LoadClient, type Crowd } from './client.ts'

/** A client that sends, and counts what it gets. */
export interface CountingClient {
  readonly room: string
  readonly isSampled: boolean
  /** Messages that have arrived. */
  readonly received: number
  lastSeq: number
  /** Resolves when the room is joined; rejects if the connection ends before. */
  readonly joined: Promise<void>
  send(id: string, text: string): void
  close(): void
}

export interface ClientOptions {
  url: URL
  name: string
  room: string
  isSampled: boolean
  crowd: Crowd
}

/** The wires that the load generator speaks; the first is Flotilla's, which the plain server speaks as well. */
const DIALECTS = {
  flotilla: (options: ClientOptions): CountingClient => new LoadClient(options),
} as const

export type DialectName = keyof typeof DIALECTS

/** Connects and joins. */
export function connectTo(dialect: DialectName = 'flotilla', options: ClientOptions): CountingClient {
  return DIALECTS[dialect](options)
}
