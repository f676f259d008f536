import type { Entry, Seq } from '@flotilla/protocol/frames.ts'
import { Sightings, type Ack, type Journal, type Sent } from './journal.ts'
import { Latency } from './latency.ts'
import type { Member } from './member.ts'

/** Where all members meet: keeps the journal of what they do and see, and takes the times. */
export class Stage {
  readonly ackLatency = new Latency()
  /** From the call of `send` until a member on another server is given the entry. */
  readonly crossLatency = new Latency()
  readonly members: Member[] = []
  deliveries = 0
  /** The highest seq that anybody was acked. */
  head: Seq = 0
  readonly #sent: Sent[] = []
  readonly #acks: Ack[] = []
  readonly #refusals: { id: string; code: string }[] = []
  readonly #sightings = new Sightings()
  readonly #sentAt = new Map<string, { at: number; server: string | undefined }>()
  #progressAt = performance.now()

  get answered(): number {
    return this.#acks.length + this.#refusals.length
  }

  /** Milliseconds since an answer or an entry came last. */
  get quietMs(): number {
    return performance.now() - this.#progressAt
  }

  sent(send: Sent, server: string | undefined): void {
    this.#sent.push(send)
    this.#sentAt.set(send.id, { at: performance.now(), server })
    this.#progressAt = performance.now()
  }

  acked(id: string, seq: Seq): void {
    this.#progressAt = performance.now()
    this.#acks.push({ id, seq })
    this.head = Math.max(this.head, seq)
    const sent = this.#sentAt.get(id)
    if (sent) this.ackLatency.add(performance.now() - sent.at)
  }

  refused(id: string, code: string): void {
    this.#progressAt = performance.now()
    this.#refusals.push({ id, code })
  }

  saw(member: Member, entries: readonly Entry[]): void {
    const now = performance.now()
    this.#progressAt = now
    this.deliveries += entries.length
    for (const entry of entries) {
      member.witness.seen.push(this.#sightings.of(entry))
      const sent = this.#sentAt.get(entry.id)
      if (sent?.server !== undefined && member.server !== undefined && sent.server !== member.server) {
        this.crossLatency.add(now - sent.at)
      }
    }
  }

  journal(): Journal {
    return {
      sent: this.#sent,
      acks: this.#acks,
      refusals: this.#refusals,
      witnesses: this.members.map(({ witness }) => witness),
    }
  }
}
