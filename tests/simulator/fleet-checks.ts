import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { FinalRoom } from '../../scripts/chaos/invariants.ts'
import type { MemoryDisk } from '../../server/src/store/memory-store.ts'
import type { SimClient } from './sim-client.ts'

/** What a healed world has to come to, beside the invariants: L = something did not come to rest, P = people are shown wrongly. */

/** Why the world is not at rest; undefined if it is. */
export function restlessness(clients: readonly SimClient[]): string | undefined {
  for (const client of clients) {
    const { journal } = client
    const { status } = client.client.connection
    if (status !== 'live') return `${journal.name} is ${status}`
    for (const [id, room] of client.in()) {
      if (room.state.status !== 'live') return `${journal.name} in ${id} is ${room.state.status}`
      const waiting = room.pending.filter(({ state }) => state === 'sending').length
      if (waiting > 0) return `${journal.name} in ${id} still waits for ${waiting} acks`
    }
  }
  return undefined
}

/** The log of every room, from the one disk that holds it; and a breach for each that two of them hold. */
export function finalsOf(
  rooms: readonly RoomId[],
  disks: ReadonlyMap<string, MemoryDisk>,
): { finals: FinalRoom[]; breaches: string[] } {
  const breaches: string[] = []
  const finals = rooms.flatMap((room) => {
    const holders = [...disks].filter(([, disk]) => {
      const held = disk.rooms.get(room)
      return held !== undefined && held.movedTo === undefined
    })
    if (holders.length > 1)
      breaches.push(`9 ${room}: ${holders.map(([id]) => id).join(' and ')} both hold it`)
    const held = holders[0]?.[1].rooms.get(room)
    return held === undefined ? [] : [{ room, log: held.log, entries: held.entries }]
  })
  return { finals, breaches }
}

/** Whether everybody has everything, and sees everybody. */
export function unsettled(clients: readonly SimClient[], finals: readonly FinalRoom[]): string[] {
  const breaches: string[] = []
  const isIn = (client: SimClient, id: RoomId) => [...client.in()].some(([room]) => room === id)
  for (const client of clients) {
    const { journal } = client
    for (const [id, room, runs] of client.in()) {
      const final = finals.find(({ room }) => room === id)
      const head = runs.at(-1)?.entries.at(-1)?.seq ?? 0
      if (final !== undefined && head !== final.entries.length) {
        breaches.push(`L ${journal.name} has ${head} of ${final.entries.length} in ${id}`)
      }
      const expected = clients
        .filter((other) => isIn(other, id))
        .map((other) => other.journal.name)
        .sort()
      const { members, count } = room.state
      const seen = members.map(({ name }) => name).sort()
      if (count !== expected.length || seen.join() !== expected.join()) {
        breaches.push(
          `P ${journal.name} sees ${count}: ${seen.join()} in ${id}, where ${expected.join()} are`,
        )
      }
    }
  }
  return breaches
}
