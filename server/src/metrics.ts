import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { BusCounters } from './bus/bus.ts'
import type { CommitCounters } from './rooms/committer.ts'
import type { CursorLag, FeedCounters } from './rooms/feed.ts'
import { MOVES, type Move } from './rooms/moves.ts'

/** What sessions and their handlers count. */
export type GatewayCounters = Pick<Metrics, 'acks' | 'hintsDropped' | 'slowed' | 'refused' | 'closed'>

/** What a server counts. Plain numbers on the hot path; Prometheus reads them when it asks. */
export class Metrics {
  readonly feed: FeedCounters = { deliveries: 0, writes: 0, catchUps: 0, catchUpFailures: 0 }
  readonly bus: BusCounters = { sent: 0, received: 0, dropped: 0 }
  readonly commit: CommitCounters
  /** Frames refused, by error code; closes by code; upgrades refused, by HTTP status. */
  readonly #refused: Counter<'code'>
  readonly #closed: Counter<'code'>
  readonly #turnedAway: Counter<'status' | 'code'>
  readonly #moves: Counter<'kind'>
  readonly #registry = new Registry()
  acks = 0
  hintsDropped = 0
  /** Connections not read for a while, as they sent too much; and cut off, as too many had not said who they are. */
  slowed = 0
  strangersDropped = 0
  /** Clients that waited for their turn within the handshake, and that were sent away until theirs. */
  held = 0
  putOff = 0

  constructor(read: {
    clients: () => number
    rooms: () => number
    loopDelayMs: () => number
    admissionRate: () => number
    storeReads: () => number
    lag: () => CursorLag
  }) {
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry })
    const gauge = (name: string, help: string, collect: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(collect())
        },
      })
    const count = (name: string, help: string, collect: () => number) =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset()
          this.inc(collect())
        },
      })
    gauge('flotilla_clients', 'Clients connected now', read.clients)
    gauge('flotilla_rooms_open', 'Rooms open on this server now', read.rooms)
    gauge(
      'flotilla_cursor_lag_entries',
      'Entries that the follower furthest behind its room has not been sent yet',
      () => read.lag().most,
    )
    gauge('flotilla_followers_behind', 'Clients and edges behind a room they follow', () => read.lag().behind)
    gauge(
      'flotilla_loop_delay_ms',
      'Event-loop delay, 99th percentile since the last report',
      read.loopDelayMs,
    )
    gauge('flotilla_admission_rate', 'Clients per second that are let in now', read.admissionRate)
    count('flotilla_held_total', 'Clients that waited for their turn to come in', () => this.held)
    count('flotilla_put_off_total', 'Clients sent away until a later time', () => this.putOff)
    count('flotilla_store_reads_total', 'Readings of entries from the store', read.storeReads)
    count('flotilla_deliveries_total', 'Entries handed to followers', () => this.feed.deliveries)
    count('flotilla_writes_total', 'Writes the deliveries took', () => this.feed.writes)
    count('flotilla_acks_total', 'Sends acked', () => this.acks)
    count('flotilla_catch_ups_total', 'Followers that went on from the log', () => this.feed.catchUps)
    count(
      'flotilla_catch_up_failures_total',
      'Readings of the log that failed',
      () => this.feed.catchUpFailures,
    )
    count(
      'flotilla_hints_dropped_total',
      'Presence and typing not sent to a slow client',
      () => this.hintsDropped,
    )
    count(
      'flotilla_slowed_total',
      'Times a connection was not read for a while, as it sent too much',
      () => this.slowed,
    )
    count(
      'flotilla_strangers_dropped_total',
      'Connections cut off before they said who they are, as there were too many of them',
      () => this.strangersDropped,
    )
    count('flotilla_bus_sent_total', 'Messages sent to other servers', () => this.bus.sent)
    count('flotilla_bus_received_total', 'Messages of other servers', () => this.bus.received)
    count('flotilla_bus_dropped_total', 'Messages to other servers dropped', () => this.bus.dropped)
    count('flotilla_commits_total', 'Commits of the store', () => this.commit.commits)
    gauge('flotilla_commit_waiting', 'Sends waiting for a commit now', () => this.commit.waiting)
    const commitMs = new Histogram({
      name: 'flotilla_commit_ms',
      help: 'Time a commit takes',
      buckets: [0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 500, 2_000],
      registers,
    })
    const batchDrafts = new Histogram({
      name: 'flotilla_commit_drafts',
      help: 'Sends in one commit',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 1_024],
      registers,
    })
    this.commit = {
      commits: 0,
      commitNo: 0,
      waiting: 0,
      begin() {
        const began = performance.now()
        return ({ drafts }) => {
          commitMs.observe(performance.now() - began)
          batchDrafts.observe(drafts)
        }
      },
    }
    const labelled = <T extends string>(name: string, help: string, label: T) =>
      new Counter({ name, help, labelNames: [label] as const, registers })
    this.#refused = labelled('flotilla_refused_total', 'Frames refused, by error code', 'code')
    this.#closed = labelled('flotilla_closed_total', 'Connections this server closed, by code', 'code')
    this.#moves = labelled('flotilla_moves_total', 'Rooms whose home came here, or went, by how', 'kind')
    for (const kind of MOVES) this.#moves.inc({ kind }, 0) // so that the first one is a rise
    this.#turnedAway = new Counter({
      name: 'flotilla_turned_away_total',
      help: 'Upgrades refused, by HTTP status and code',
      labelNames: ['status', 'code'],
      registers,
    })
  }

  refused(code: string): void {
    this.#refused.inc({ code })
  }
  closed(code: number): void {
    this.#closed.inc({ code: String(code) })
  }
  turnedAway(status: number, code: string): void {
    this.#turnedAway.inc({ status: String(status), code })
  }

  moved(kind: Move): void {
    this.#moves.inc({ kind })
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }
  get contentType(): string {
    return this.#registry.contentType
  }
}
