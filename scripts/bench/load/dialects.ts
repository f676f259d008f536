import { LoadClient, type ClientOptions } from './client.ts'
import type { Dialect } from './dialect.ts'
import { flotillaDialect } from './flotilla-dialect.ts'
import { mqttDialect } from './mqtt-dialect.ts'
import { natsDialect } from './nats-dialect.ts'
import { socketioDialect } from './socketio-dialect.ts'

/** The wires that the load generator speaks; the first is Flotilla's, which the plain server speaks as well. */
const DIALECTS = {
  flotilla: flotillaDialect,
  socketio: socketioDialect,
  nats: natsDialect,
  mqtt: mqttDialect,
} as const satisfies Record<string, Dialect>

export type DialectName = keyof typeof DIALECTS

export function dialectOf(name: DialectName = 'flotilla'): Dialect {
  return DIALECTS[name]
}

/** Connects and joins. */
export function connectTo(name: DialectName | undefined, options: ClientOptions): LoadClient {
  return new LoadClient(dialectOf(name), options)
}
