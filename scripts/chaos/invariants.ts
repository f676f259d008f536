import { encodeEntry, type Entry, type LogId, type RoomId, type Seq } from '@flotilla/protocol/frames.ts'

/** What must be true of any world, and of any run of real processes, once it has healed. */

/** What one client did and saw. */
export interface Journal {
  name: string
  /** In the order of sending. */
  invoked: { room: RoomId; id: string; text: string }[]
  acked: { room: RoomId; id: string; seq: Seq }[]
  /** Finally: what is sent again by itself does not count. */
  refused: { room: RoomId; id: string; code: string }[]
  /** What one room showed, from its first entry or its last reset on; `log` as the room said. */
  shown: Map<RoomId, { log: LogId | undefined; entries: Entry[] }[]>
}

/** A room's whole log, as it stands when all is over. */
export interface FinalRoom {
  room: RoomId
  log: LogId
  entries: readonly Entry[]
}

/** The log as somebody else found it at the end: a file, or another server. */
export interface FinalRead extends FinalRoom {
  by: string
  /** False of a store the room has left: what it has must be right, but need not be all. */
  isWhole: boolean
}

/**
 * `acts`: ids of what was asked to happen to rooms. `late`: of sends that were forbidden, of which a copy may be taken later.
 * @returns every breach, one line each, with the number of the invariant; empty if all hold
 */
export function findBreaches(
  finals: readonly FinalRoom[],
  journals: readonly Journal[],
  {
    isDamaged = false,
    reads = [],
    acts = new Set(),
    late = new Set(),
  }: {
    isDamaged?: boolean
    reads?: readonly FinalRead[]
    acts?: ReadonlySet<string>
    late?: ReadonlySet<string>
  } = {},
): string[] {
  const breaches: string[] = []
  const finalOf = new Map(finals.map((final) => [final.room, final]))
  const sent = new Map<string, { text: string; order: number }>()
  const refusedIds = new Set<string>()
  for (const { name, invoked, refused } of journals) {
    for (const [order, { room, id, text }] of invoked.entries())
      sent.set(key(room, name, id), { text, order })
    for (const { room, id } of refused) refusedIds.add(key(room, name, id))
  }

  for (const { room, entries } of finals) {
    const ids = new Set<string>()
    const lastOf = new Map<string, number>()
    for (const [i, entry] of entries.entries()) {
      if (entry.seq !== i + 1) breaches.push(`4 ${room}: seq ${entry.seq} stands at ${i + 1}`)
      const own = key(room, entry.user.name, entry.id)
      if (ids.has(own)) breaches.push(`2 ${room}: ${own} is there twice`)
      ids.add(own)
      if (refusedIds.has(own)) breaches.push(`8 ${room}: ${own} was refused and is in the log`)
      if (entry.type === 'system' && acts.has(entry.id)) continue
      const send = sent.get(own)
      if (send === undefined || (entry.type === 'message' && entry.text !== send.text)) {
        breaches.push(`7 ${room}: ${own} was never sent like this`)
        continue
      }
      if (late.has(entry.id)) continue
      if (send.order < (lastOf.get(entry.user.name) ?? -1))
        breaches.push(`6 ${room}: ${own} is out of its sender's order`)
      lastOf.set(entry.user.name, send.order)
    }
  }

  const bodies = new Bodies()
  for (const { room, log, entries } of finals) for (const entry of entries) bodies.put(room, log, entry)
  for (const { room, log, entries, by, isWhole } of reads) {
    const final = finalOf.get(room)
    if (final === undefined) {
      if (entries.length > 0) breaches.push(`9 ${room}: ${by} has ${entries.length} entries, nobody else any`)
      continue
    }
    if (log !== final.log) {
      if (isWhole) breaches.push(`9 ${room}: ${by} has the log ${log}, others ${final.log}`)
      continue
    }
    const wrong = entries.find((entry) => {
      const body = bodies.get(room, log, entry.seq)
      return body === undefined || !bodies.areSame(body, entry)
    })
    if (wrong !== undefined) breaches.push(`9 ${room}: ${by} has ${encodeEntry(wrong)}, others do not`)
    if (isWhole && entries.length !== final.entries.length)
      breaches.push(`9 ${room}: ${by} has ${entries.length} entries, others ${final.entries.length}`)
  }
  for (const { name, acked, shown } of journals) {
    for (const { room, id, seq } of acked) {
      const entry = finalOf.get(room)?.entries[seq - 1]
      if (!isDamaged && (entry?.id !== id || entry.user.name !== name)) {
        breaches.push(
          `1 ${room}: ${name} has an ack for ${id} at ${seq}, where ${entry?.id ?? 'nothing'} stands`,
        )
      }
    }
    for (const [room, runs] of shown) {
      const final = finalOf.get(room)
      if (!isDamaged && runs.length > 1) breaches.push(`10 ${room}: ${name} was told of another log`)
      for (const { log, entries } of runs) {
        if (!isDamaged && log !== undefined && final !== undefined && log !== final.log)
          breaches.push(`10 ${room}: ${name} saw the log ${log}, at the end it is ${final.log}`)
        let last: number | undefined
        for (const entry of entries) {
          if (last !== undefined && entry.seq !== last + 1) {
            breaches.push(`5 ${room}: ${name} saw ${entry.seq} after ${last}`)
          }
          last = entry.seq
          const known = bodies.get(room, log, entry.seq)
          // The very object that stands in the final log, which was judged above: so it is of nearly all that is ever shown.
          if (known === entry && log === final?.log) continue
          if (known === undefined) bodies.put(room, log, entry)
          else if (!bodies.areSame(known, entry)) {
            const at = `${room} ${log ?? '?'} ${entry.seq}`
            breaches.push(`3 ${at}: ${name} saw ${encodeEntry(entry)}, elsewhere it is ${encodeEntry(known)}`)
          }
          const own = key(room, entry.user.name, entry.id)
          if (entry.type === 'message' && sent.get(own)?.text !== entry.text) {
            breaches.push(`7 ${room}: ${name} saw ${entry.text}, which nobody sent`)
          }
          if (refusedIds.has(own)) breaches.push(`8 ${room}: ${own} was refused and shown`)
        }
        if (final !== undefined && log === final.log && last !== undefined && last > final.entries.length) {
          breaches.push(`9 ${room}: ${name} saw ${last}, the log ends at ${final.entries.length}`)
        }
      }
    }
  }
  return breaches
}

/** (room, log, seq) → the one entry anybody ever saw there. */
class Bodies {
  readonly #logs = new Map<string, Map<Seq, Entry>>()
  readonly #encoded = new WeakMap<Entry, string>()

  get(room: RoomId, log: LogId | undefined, seq: Seq): Entry | undefined {
    return this.#logs.get(`${room} ${log}`)?.get(seq)
  }

  put(room: RoomId, log: LogId | undefined, entry: Entry): void {
    const at = `${room} ${log}`
    let seqs = this.#logs.get(at)
    if (seqs === undefined) this.#logs.set(at, (seqs = new Map<Seq, Entry>()))
    seqs.set(entry.seq, entry)
  }

  /** To the byte, as they go over the wire. */
  areSame(a: Entry, b: Entry): boolean {
    return a === b || this.#encode(a) === this.#encode(b)
  }

  #encode(entry: Entry): string {
    let body = this.#encoded.get(entry)
    if (body === undefined) this.#encoded.set(entry, (body = encodeEntry(entry)))
    return body
  }
}

function key(room: RoomId, name: string, id: string): string {
  return `${room} ${name} ${id}`
}
