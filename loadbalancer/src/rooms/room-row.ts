import type { Visibility } from '@flotilla/protocol/control.ts'
import type { Seq } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import type { RoomFactsNow, RoomRecord } from './directory-store.ts'

/** A row of `rooms` that is not deleted. */
export interface RoomRow {
  room_id: string
  name: string
  visibility: Visibility
  created_at: number
  created_by: string | null
  home: string | null
  epoch: number
  holders: string
  genesis: string | null
  facts: string | null
}
/** As `rooms.facts` has them: each with the seq of the entry that set it. */
export type DatedFacts = { [name in keyof RoomFactsNow]?: [RoomFactsNow[name], Seq] }

export function roomOf(row: RoomRow): RoomRecord {
  return {
    roomId: row.room_id,
    name: row.name,
    visibility: row.visibility,
    createdAt: row.created_at,
    createdBy: row.created_by ?? undefined,
    home: row.home ?? undefined,
    epoch: row.epoch,
    holders: JSON.parse(row.holders) as string[],
    ...(row.genesis === null ? {} : { genesis: JSON.parse(row.genesis) as Genesis }),
    ...(row.facts === null ? {} : { facts: undated(JSON.parse(row.facts) as DatedFacts) }),
  }
}

function undated(facts: DatedFacts): RoomFactsNow {
  return Object.fromEntries(Object.entries(facts).map(([name, [value]]) => [name, value]))
}
