import type { Entry, LogId, Seq, UserId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { entryOf, restOf } from './entries.ts'
import { genesisWithout, GONE_NAME, restWithout } from './gone.ts'
import type { Epoch, Taken } from './store.ts'

/** One room of a MemoryStore. */
export interface MemoryRoom {
  /** Empty: fenced before anybody used it. */
  log: LogId
  epoch: Epoch
  /** The last epoch in which this was the home's own. */
  term: Epoch
  isDoubted: boolean
  movedTo: string | undefined
  genesis: Genesis | undefined
  /** entries[seq - 1]; what is below the floor and not of record counts as forgotten. */
  entries: Entry[]
  floor: Seq
  sends: Map<string, { entry: Entry; content: string }>
}

export function isErased({ epoch }: MemoryRoom): boolean {
  return epoch === Number.MAX_SAFE_INTEGER
}

export function isOfRecord({ type }: Entry): boolean {
  return type === 'system' || type === 'delete'
}

export function isGoneEntry(entry: Entry): boolean {
  return entry.type === 'system' && entry.event === 'gone'
}

export function raiseFloor(room: MemoryRoom, floor: Seq): void {
  room.floor = Math.max(room.floor, floor)
  for (const entry of room.entries.slice(0, room.floor - 1)) {
    if (!isOfRecord(entry)) room.sends.delete(keyOf(entry.user.id, entry.id))
  }
}

/** See NameEraser. Entries are made anew: other disks have the same ones. */
export function eraseName(room: MemoryRoom, userId: UserId): void {
  room.entries = room.entries.map((entry) => {
    const { id, user, seq, ts, type } = entry
    const text = 'text' in entry ? entry.text : null
    const rest = restOf(entry)
    const left = type === 'system' ? restWithout(rest, user.id, userId) : rest
    const name = user.id === userId ? GONE_NAME : user.name
    const renamed = entryOf(entry.room, seq, id, user.id, name, type, ts, text, left)
    const key = keyOf(user.id, id)
    if (room.sends.has(key))
      room.sends.set(key, { entry: renamed, content: JSON.stringify([type, text, left]) })
    return renamed
  })
  if (room.genesis !== undefined) room.genesis = genesisWithout(room.genesis, userId)
}

export function newRoom(epoch: Epoch): MemoryRoom {
  return {
    log: '',
    epoch,
    term: 0,
    isDoubted: false,
    movedTo: undefined,
    genesis: undefined,
    entries: [],
    floor: 1,
    sends: new Map(),
  }
}

export function keyOf(sender: string, id: string): string {
  return JSON.stringify([sender, id])
}

export function takenOf({ log, entries, genesis, floor }: MemoryRoom): Taken {
  const chronicle = entries.filter(({ type }) => type === 'system')
  return { log, head: entries.length, isWhole: true, floor, chronicle, ...(genesis && { genesis }) }
}
