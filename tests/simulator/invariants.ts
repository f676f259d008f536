import { encodeEntry, type Entry, type LogId, type RoomId } from '@flotilla/protocol/frames.ts'
import type { Journal } from './sim-client.ts'

/** What must be true of any world, and of any run of real processes, once it has healed. */

export interface FinalRoom {
  room: RoomId
  log: LogId
  entries: readonly Entry[]
}

/** @returns every breach, one line each, with the number of the invariant; empty if all hold */
export function findBreaches(
  finals: readonly FinalRoom[],
  journals: readonly Journal[],
  damaged = false,
): string[] {
  const breaches: string[] = []
  const finalOf = new Map(finals.map((final) => [final.room, final]))
  const sent = new Map<string, { text: string; order: number }>()
  for (const { name, invoked } of journals) {
    for (const [order, { room, id, text }] of invoked.entries())
      sent.set(key(room, name, id), { text, order })
  }

  for (const { room, entries } of finals) {
    const ids = new Set<string>()
    const lastOf = new Map<string, number>()
    for (const [i, entry] of entries.entries()) {
      if (entry.seq !== i + 1) breaches.push(`4 ${room}: seq ${entry.seq} stands at ${i + 1}`)
      const own = key(room, entry.user.name, entry.id)
      if (ids.has(own)) breaches.push(`2 ${room}: ${own} is there twice`)
      ids.add(own)
      const order = sent.get(own)?.order
      if (order === undefined) {
        breaches.push(`7 ${room}: ${own} was never sent`)
        continue
      }
      if (order < (lastOf.get(entry.user.name) ?? -1))
        breaches.push(`6 ${room}: ${own} is out of its sender's order`)
      lastOf.set(entry.user.name, order)
    }
  }

  /** (room, log, seq) → the one body anybody ever saw there. */
  const bodies = new Map<string, string>()
  for (const { room, log, entries } of finals) {
    for (const entry of entries) bodies.set(`${room} ${log} ${entry.seq}`, encodeEntry(entry))
  }
  for (const { name, acked, refused, shown } of journals) {
    for (const { room, id, seq } of acked) {
      const entry = finalOf.get(room)?.entries[seq - 1]
      if (!damaged && (entry?.id !== id || entry.user.name !== name)) {
        breaches.push(
          `1 ${room}: ${name} has an ack for ${id} at ${seq}, where ${entry?.id ?? 'nothing'} stands`,
        )
      }
    }
    const refusedIds = new Set(refused.map(({ room, id }) => key(room, name, id)))
    for (const [room, runs] of shown) {
      if (!damaged && runs.length > 1) breaches.push(`10 ${room}: ${name} was told of another log`)
      for (const { log, entries } of runs) {
        let last: number | undefined
        for (const entry of entries) {
          if (last !== undefined && entry.seq !== last + 1) {
            breaches.push(`5 ${room}: ${name} saw ${entry.seq} after ${last}`)
          }
          last = entry.seq
          const own = key(room, entry.user.name, entry.id)
          const body = encodeEntry(entry)
          const at = `${room} ${log ?? '?'} ${entry.seq}`
          const known = bodies.get(at)
          if (known === undefined) bodies.set(at, body)
          else if (known !== body) breaches.push(`3 ${at}: ${name} saw ${body}, elsewhere it is ${known}`)
          if (entry.type === 'message' && sent.get(own)?.text !== entry.text) {
            breaches.push(`7 ${room}: ${name} saw ${entry.text}, which nobody sent`)
          }
          if (refusedIds.has(own)) breaches.push(`8 ${room}: ${own} was refused and shown`)
        }
        const final = finalOf.get(room)
        if (final !== undefined && log === final.log && last !== undefined && last > final.entries.length) {
          breaches.push(`9 ${room}: ${name} saw ${last}, the log ends at ${final.entries.length}`)
        }
      }
    }
  }
  return breaches
}

function key(room: RoomId, name: string, id: string): string {
  return `${room} ${name} ${id}`
}
