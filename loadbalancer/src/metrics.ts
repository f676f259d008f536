import { ServerStateSchema, type ServerState } from '@flotilla/protocol/control.ts'
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'

/** What `/metrics` shows besides the process itself (CPU, memory, delay of the event loop). */
export class Metrics {
  readonly #registry = new Registry()
  readonly chosen = this.#counter('get_total', 'Answers of GET /get, by how the server was chosen', [
    'outcome',
  ])
  readonly registrations = this.#counter('registrations_total', 'Registrations of servers', ['outcome'])
  readonly reports = this.#counter('reports_total', 'Load reports of servers', ['outcome'])
  readonly probes = this.#counter('probes_total', 'Probes and dial-backs of servers', ['why', 'outcome'])
  readonly placements = this.#counter('placements_total', 'Questions for the home of a room', ['outcome'])
  readonly refusals = this.#counter('refusals_total', 'Requests refused, by code', ['code'])
  readonly logins = this.#counter('logins_total', 'Tokens issued', ['kind'])
  readonly passwordHashes = this.#counter(
    'password_hashes_total',
    'Hashes of passwords made: one for each password that is compared, whoever is asked for',
    [],
  )
  readonly signups = this.#counter('signups_total', 'Accounts made', [])
  readonly roomReports = this.#counter(
    'room_reports_total',
    'Reports of something that was said, by who can read them: the owner and moderators of the room, or the operator',
    ['reader'],
  )
  readonly refreshes = this.#counter('refreshes_total', 'Uses of a refresh cookie', ['outcome'])
  readonly revocationsFailed = this.#counter(
    'revocations_failed_total',
    'Times a server was not told at once which tokens are good no more',
    ['outcome'],
  )
  readonly listeners = new Gauge({
    name: 'flotilla_balancer_event_listeners',
    help: 'Connections to GET /events',
    registers: [this.#registry],
  })
  readonly stillReaders = this.#counter(
    'still_readers_total',
    'Exports cut off because nothing of them was taken any more',
    [],
  )
  readonly droppedListeners = this.#counter(
    'event_listeners_dropped_total',
    'Connections to GET /events closed because they did not read',
    [],
  )

  /** `states`: asked at each scrape. */
  constructor(states: () => Record<ServerState, number>) {
    collectDefaultMetrics({ register: this.#registry })
    new Gauge({
      name: 'flotilla_balancer_servers',
      help: 'Chat servers by state',
      labelNames: ['state'],
      registers: [this.#registry],
      collect() {
        const counts = states()
        for (const state of ServerStateSchema.options) this.set({ state }, counts[state])
      },
    })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  #counter<const L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({
      name: `flotilla_balancer_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    })
  }
}
