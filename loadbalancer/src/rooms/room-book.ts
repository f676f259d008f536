import type { Visibility } from '@flotilla/protocol/control.ts'
import type { RoomId, Seq, User, UserId } from '@flotilla/protocol/frames.ts'
import type { Role } from '@flotilla/protocol/roster.ts'
import type { RoomFactsNow, RoomRecord } from './directory-store.ts'
import type { RoomNews } from './room-news.ts'

/** Reports that are kept of one room; more are refused until the operator has dealt with some, or the room is deleted. */
export const MAX_REPORTS = 1_000

/** What a home says of its room, whole, as of the entry `version`. */
export interface RoomState {
  version: Seq
  facts: RoomFactsNow
  roles: ReadonlyMap<UserId, Role>
}

export interface ReportRecord {
  id: number
  seq: Seq
  by: User
  reason: string
  at: number
}
/** … as the operator sees it, who has no room open. */
export interface OpenReport extends ReportRecord {
  roomId: RoomId
  visibility: Visibility
}

/**
 * What the balancer knows of rooms from their logs, for its lists: never asked whether somebody may do something. Every adapter
 * keeps:
 * B1  What a call wrote is durable when it resolves, and is there after a crash.
 * B2  News come in any order, more than once, or not at all: of each fact and each person, what is newest by seq stands.
 * B3  Of a deleted room nothing is left but its id, and which servers have still to erase it, until each has said that it did.
 */
export interface RoomBook {
  /** Rooms he is in, is invited to, or is banned from; at most `limit`. */
  roomsOf(userId: UserId, limit: number): Promise<{ room: RoomRecord; role: Role }[]>
  roleOf(roomId: RoomId, userId: UserId): Promise<Role | undefined>
  /** Whether that is the hash of a link to the room that has not ended, as far as is known here. */
  hasLink(roomId: RoomId, hash: string, now: number): Promise<boolean>
  /** The entry `seq` of the room's log said that. Links of the room that have ended by `now` are forgotten with the next one. */
  heard(roomId: RoomId, seq: Seq, news: RoomNews, now: number): Promise<void>
  /** Seq up to which the room was last compared with its log; -1: never. */
  comparedUpTo(roomId: RoomId): Promise<Seq>
  /** Repairs what stands here by what its home says. */
  compare(roomId: RoomId, state: RoomState): Promise<void>
  /** This account is no more. @returns the rooms that knew him */
  forgetUser(userId: UserId): Promise<RoomId[]>

  /** @returns 'known': this person has reported it before; 'full': see MAX_REPORTS */
  report(roomId: RoomId, report: Omit<ReportRecord, 'id'>): Promise<'added' | 'known' | 'full'>
  /** The newest first, with ids below `before`. */
  reports(roomId: RoomId, before: number, limit: number): Promise<ReportRecord[]>
  /** Whether the room has an owner or a moderator: somebody who reads its reports. */
  isKept(roomId: RoomId): Promise<boolean>
  /** Of all rooms that nobody keeps, or of all there are; as `reports`. */
  openReports(before: number, limit: number, isAll: boolean): Promise<OpenReport[]>
  /** @returns whether there was such a report */
  forgetReport(id: number): Promise<boolean>

  /** Leaves nothing of the room but its id; every server that ever registered has to erase it. */
  deleteRoom(roomId: RoomId): Promise<void>
  /** What this server has still to erase: at most `limit` rooms. */
  erasuresOf(server: string, limit: number): Promise<RoomId[]>
  erased(server: string, roomId: RoomId): Promise<void>
  serversToErase(roomId: RoomId): Promise<string[]>
  /** This server may have all deleted rooms again: it has still to erase each of them, whatever it said before. */
  eraseAgain(server: string): Promise<void>
}
