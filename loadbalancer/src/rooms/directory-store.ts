import type { HeldRoom, Visibility } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import type { KnownServer } from '../registry/registry.ts'

/** The room that always exists. */
export const GENERAL: RoomId = 'general'

export interface RoomRecord {
  roomId: RoomId
  name: string
  visibility: Visibility
  /** Milliseconds since 1970. */
  createdAt: number
  /** User id; undefined: the fleet itself. */
  createdBy: string | undefined
  /** Id of its home; undefined: never placed. */
  home: string | undefined
  /** Term of that home; 0 = never placed. */
  epoch: number
  /**
   * Servers whose stores may hold the room or still come to hold it: the last one known to have all of it, and every home
   * named since. Who takes the room has to fence them all.
   */
  holders: readonly string[]
  /** What it was made as; absent: it was made before this was kept, and is public. */
  genesis?: Genesis
  /** What its log changed, as far as the balancer heard of it. */
  facts?: RoomFactsNow
}
/** What can change about a room besides its members; what is absent was never set. */
export interface RoomFactsNow {
  name?: string
  topic?: string
  archived?: boolean
  /** 0 = no slow mode. */
  slowMs?: number
  /** null: kept for ever. */
  retentionDays?: number | null
}
export type NewRoom = Pick<
  RoomRecord,
  'roomId' | 'name' | 'visibility' | 'createdAt' | 'createdBy' | 'genesis'
>

export interface ServerRecord extends KnownServer {
  /** Folder of its store on this machine, if it said so. */
  dataDir: string | undefined
  /** When it registered last, in milliseconds since 1970. */
  heardAt: number
}

/**
 * What the balancer must not forget: rooms with their homes and epochs, servers with their watermarks. Every adapter
 * keeps:
 * D1  What a call wrote is durable when it resolves, and is there after a crash.
 * D2  A room's epoch never falls, and one epoch of a room has one home, whoever writes at the same time.
 * D3  `general` exists, public, from the start.
 * D4  A server's watermark (the highest commit number it reported) never falls.
 * D5  A room that was made private, or between two, is never public here, whatever was lost; a deleted one never comes back.
 */
export interface DirectoryStore {
  room(roomId: RoomId): Promise<RoomRecord | undefined>
  /** Public rooms: `general`, then the newest first; at most `limit`. */
  publicRooms(limit: number): Promise<RoomRecord[]>
  /** The home of a public room: what anybody may be told. */
  publicHome(roomId: RoomId): Promise<string | undefined>
  /** @returns false if the id is taken; then nothing was written */
  createRoom(room: NewRoom): Promise<boolean>
  /**
   * Makes `home` the home for term `epoch`, if the room's epoch is lower (else another placement was first).
   * @returns the room as it stands then; undefined if there is no such room
   */
  moveRoom(roomId: RoomId, home: string, epoch: number): Promise<RoomRecord | undefined>
  /**
   * Learns from a server what it holds, whole: rooms that are unknown here (the directory was lost), and higher epochs (it
   * is an old copy). Its word on a room it is the home of makes it the only holder. @returns those it learnt from
   */
  adoptRooms(server: string, held: readonly HeldRoom[], now: number): Promise<RoomId[]>
  server(id: string): Promise<ServerRecord | undefined>
  /** Servers that registered since. */
  serversSince(heardAt: number): Promise<ServerRecord[]>
  saveServer(server: ServerRecord): Promise<void>
  /** Commit numbers by server id. */
  raiseWatermarks(commitNos: ReadonlyMap<string, number>): Promise<void>
  /** Undefined: none was ever reported. */
  watermark(id: string): Promise<number | undefined>
  close(): void
}
