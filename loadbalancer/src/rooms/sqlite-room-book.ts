import { DELETED_NAME } from '@flotilla/protocol/acts.ts'
import type { RoomId, Seq, UserId } from '@flotilla/protocol/frames.ts'
import type { Role } from '@flotilla/protocol/roster.ts'
import type { Database } from 'better-sqlite3'
import type { SqliteFile } from '../sqlite-file.ts'
import type { Visibility } from '@flotilla/protocol/control.ts'
import type { RoomFactsNow, RoomRecord } from './directory-store.ts'
import {
  MAX_REPORTS,
  type OpenReport,
  type ReportRecord,
  type RoomBook,
  type RoomState,
} from './room-book.ts'
import type { RoomNews } from './room-news.ts'
import { roomOf, type DatedFacts, type RoomRow } from './room-row.ts'

interface ReportRow {
  id: number
  seq: Seq
  by_id: UserId
  by_name: string
  reason: string
  at: number
}

/** In the directory's file. */
export class SqliteRoomBook implements RoomBook {
  readonly #file: SqliteFile
  readonly #statements: ReturnType<typeof prepare>

  constructor(file: SqliteFile) {
    this.#file = file
    this.#statements = prepare(file.db)
  }

  async roomsOf(userId: UserId, limit: number): Promise<{ room: RoomRecord; role: Role }[]> {
    return this.#statements.roomsOf.all(userId, limit).map((row) => ({ room: roomOf(row), role: row.role }))
  }

  async roleOf(roomId: RoomId, userId: UserId): Promise<Role | undefined> {
    return this.#statements.role.get(userId, roomId)?.role ?? undefined
  }

  async hasLink(roomId: RoomId, hash: string, now: number): Promise<boolean> {
    return this.#statements.link.get(hash, roomId, Math.floor(now)) !== undefined
  }

  heard(roomId: RoomId, seq: Seq, { roles, facts, link, unlink }: RoomNews, now: number): Promise<void> {
    return this.#file.write(() => {
      const { hearRole, addLink, dropLink, dropEndedLinks } = this.#statements
      for (const [userId, role] of roles) hearRole.run({ userId, roomId, role, seq })
      this.#hearFacts(roomId, seq, facts)
      if (link !== undefined) {
        dropEndedLinks.run(roomId, Math.floor(now))
        addLink.run({ roomId, ...link })
      }
      if (unlink !== undefined) dropLink.run(unlink, roomId)
    })
  }

  async comparedUpTo(roomId: RoomId): Promise<Seq> {
    return this.#statements.room.get(roomId)?.looked_at ?? -1
  }

  compare(roomId: RoomId, { version, facts, roles }: RoomState): Promise<void> {
    return this.#file.write(() => {
      const { room, rolesIn, hearRole, looked } = this.#statements
      if ((room.get(roomId)?.looked_at ?? Infinity) >= version) return
      // Only what differs is written: a room may have many members.
      const known = new Map(rolesIn.all(roomId).map((row) => [row.user_id, row]))
      for (const [userId, role] of roles) {
        if (known.get(userId)?.role !== role) hearRole.run({ userId, roomId, role, seq: version })
      }
      for (const [userId, { role }] of known) {
        if (role !== null && !roles.has(userId)) hearRole.run({ userId, roomId, role: null, seq: version })
      }
      this.#hearFacts(roomId, version, facts)
      looked.run(version, roomId)
    })
  }

  async forgetUser(userId: UserId): Promise<RoomId[]> {
    const rooms = await this.#file.write(() => {
      const rooms = this.#statements.roomsOf.all(userId, -1).map(({ room_id: roomId }) => roomId)
      this.#statements.dropUser.run(userId)
      this.#statements.renameReporter.run(DELETED_NAME, userId)
      for (const rename of this.#statements.renameInGenesis) rename.run(DELETED_NAME, userId)
      return rooms
    })
    this.#file.settle()
    return rooms
  }

  report(roomId: RoomId, { seq, by, reason, at }: Omit<ReportRecord, 'id'>) {
    return this.#file.write(() => {
      const { countReports, addReport } = this.#statements
      if ((countReports.get(roomId)?.count ?? 0) >= MAX_REPORTS) return 'full'
      const given = { roomId, seq, byId: by.id, byName: by.name, reason, at: Math.floor(at) }
      return addReport.run(given).changes === 1 ? 'added' : 'known'
    })
  }

  async reports(roomId: RoomId, before: number, limit: number): Promise<ReportRecord[]> {
    return this.#statements.reports.all(roomId, before, limit).map(reportOf)
  }

  async isKept(roomId: RoomId): Promise<boolean> {
    return this.#statements.keeper.get(roomId) !== undefined
  }

  async openReports(before: number, limit: number, isAll: boolean): Promise<OpenReport[]> {
    return this.#statements.openReports
      .all({ before, limit, all: isAll ? 1 : 0 })
      .map((row) => ({ ...reportOf(row), roomId: row.room_id, visibility: row.visibility }))
  }

  forgetReport(id: number): Promise<boolean> {
    return this.#file.write(() => this.#statements.forgetReport.run(id).changes === 1)
  }

  async deleteRoom(roomId: RoomId): Promise<void> {
    await this.#file.write(() => {
      const { bury, dropMembers, dropLinks, dropReports, eraseEverywhere } = this.#statements
      bury.run(roomId)
      for (const drop of [dropMembers, dropLinks, dropReports]) drop.run(roomId)
      eraseEverywhere.run(roomId)
    })
    // Nothing of it stays in the log beside the file, either.
    this.#file.db.pragma('wal_checkpoint(TRUNCATE)')
  }

  async erasuresOf(server: string, limit: number): Promise<RoomId[]> {
    return this.#statements.erasuresOf.all(server, limit).map(({ room_id: roomId }) => roomId)
  }

  erased(server: string, roomId: RoomId): Promise<void> {
    return this.#file.write(() => {
      this.#statements.erased.run(server, roomId)
    })
  }

  async serversToErase(roomId: RoomId): Promise<string[]> {
    return this.#statements.serversToErase.all(roomId).map(({ server }) => server)
  }

  eraseAgain(server: string): Promise<void> {
    return this.#file.write(() => {
      this.#statements.eraseAllOn.run(server)
    })
  }

  #hearFacts(roomId: RoomId, seq: Seq, facts: RoomFactsNow): void {
    const given = Object.entries(facts) as [keyof RoomFactsNow, never][]
    if (given.length === 0) return
    const row = this.#statements.room.get(roomId)
    if (row === undefined) return
    const dated = JSON.parse(row.facts ?? '{}') as DatedFacts
    for (const [fact, value] of given) {
      if ((dated[fact]?.[1] ?? 0) <= seq) dated[fact] = [value, seq]
    }
    const name = dated.name?.[0] ?? row.name
    this.#statements.setFacts.run({ roomId, name, facts: JSON.stringify(dated) })
  }
}

function reportOf({ id, seq, by_id, by_name, reason, at }: ReportRow): ReportRecord {
  return { id, seq, by: { id: by_id, name: by_name }, reason, at }
}

/** Who keeps order in a room. */
const KEEPER = `SELECT 1 FROM members WHERE members.room_id = {room} AND role IN ('owner', 'moderator')`

function prepare(db: Database) {
  return {
    roomsOf: db.prepare<[string, number], RoomRow & { role: Role }>(
      `SELECT rooms.*, members.role FROM members JOIN rooms USING (room_id)
       WHERE members.user_id = ? AND members.role IS NOT NULL AND rooms.visibility <> 'deleted'
       ORDER BY rooms.created_at DESC LIMIT ?`,
    ),
    room: db.prepare<[string], RoomRow & { looked_at: number }>(
      `SELECT * FROM rooms WHERE room_id = ? AND visibility <> 'deleted'`,
    ),
    role: db.prepare<[string, string], { role: Role | null }>(
      'SELECT role FROM members WHERE user_id = ? AND room_id = ?',
    ),
    rolesIn: db.prepare<[string], { user_id: UserId; role: Role | null }>(
      'SELECT user_id, role FROM members WHERE room_id = ?',
    ),
    hearRole: db.prepare(
      `INSERT INTO members (user_id, room_id, role, seq)
       SELECT :userId, room_id, :role, :seq FROM rooms WHERE room_id = :roomId AND visibility <> 'deleted'
       ON CONFLICT DO UPDATE SET role = :role, seq = :seq WHERE seq <= :seq`,
    ),
    setFacts: db.prepare('UPDATE rooms SET name = :name, facts = :facts WHERE room_id = :roomId'),
    looked: db.prepare<[number, string]>('UPDATE rooms SET looked_at = ? WHERE room_id = ?'),
    link: db.prepare<[string, string, number]>(
      'SELECT 1 FROM links WHERE hash = ? AND room_id = ? AND until > ?',
    ),
    addLink: db.prepare(
      `INSERT INTO links (hash, room_id, until)
       SELECT :hash, room_id, :until FROM rooms WHERE room_id = :roomId AND visibility <> 'deleted' ON CONFLICT DO NOTHING`,
    ),
    dropLink: db.prepare<[string, string]>('DELETE FROM links WHERE hash = ? AND room_id = ?'),
    dropEndedLinks: db.prepare<[string, number]>('DELETE FROM links WHERE room_id = ? AND until <= ?'),
    dropUser: db.prepare<[string]>('DELETE FROM members WHERE user_id = ?'),
    renameReporter: db.prepare<[string, string]>('UPDATE reports SET by_name = ? WHERE by_id = ?'),
    renameInGenesis: ['createdBy', 'people[0]', 'people[1]'].map((who) =>
      db.prepare<[string, string]>(
        `UPDATE rooms SET genesis = json_set(genesis, '$.${who}.name', ?) WHERE genesis ->> '$.${who}.id' = ?`,
      ),
    ),
    countReports: db.prepare<[string], { count: number }>(
      'SELECT count(*) AS count FROM reports WHERE room_id = ?',
    ),
    addReport: db.prepare(
      `INSERT INTO reports (room_id, seq, by_id, by_name, reason, at)
       SELECT room_id, :seq, :byId, :byName, :reason, :at FROM rooms WHERE room_id = :roomId AND visibility <> 'deleted'
       ON CONFLICT DO NOTHING`,
    ),
    reports: db.prepare<[string, number, number], ReportRow>(
      'SELECT * FROM reports WHERE room_id = ? AND id < ? ORDER BY id DESC LIMIT ?',
    ),
    keeper: db.prepare<[string]>(`${KEEPER.replace('{room}', '?')} LIMIT 1`),
    openReports: db.prepare<
      [{ before: number; limit: number; all: number }],
      ReportRow & { room_id: RoomId; visibility: Visibility }
    >(
      `SELECT reports.*, rooms.visibility FROM reports JOIN rooms USING (room_id)
       WHERE reports.id < :before AND (:all = 1 OR NOT EXISTS (${KEEPER.replace('{room}', 'reports.room_id')}))
       ORDER BY reports.id DESC LIMIT :limit`,
    ),
    forgetReport: db.prepare<[number]>('DELETE FROM reports WHERE id = ?'),
    bury: db.prepare<[string]>(
      `UPDATE rooms SET visibility = 'deleted', name = '', created_at = 0, created_by = NULL, genesis = NULL, facts = NULL
       WHERE room_id = ?`,
    ),
    dropMembers: db.prepare<[string]>('DELETE FROM members WHERE room_id = ?'),
    dropLinks: db.prepare<[string]>('DELETE FROM links WHERE room_id = ?'),
    dropReports: db.prepare<[string]>('DELETE FROM reports WHERE room_id = ?'),
    eraseEverywhere: db.prepare<[string]>(
      'INSERT INTO erasures (server, room_id) SELECT id, ? FROM servers WHERE true ON CONFLICT DO NOTHING',
    ),
    eraseAllOn: db.prepare<[string]>(
      `INSERT INTO erasures (server, room_id) SELECT ?, room_id FROM rooms WHERE visibility = 'deleted'
       ON CONFLICT DO NOTHING`,
    ),
    erasuresOf: db.prepare<[string, number], { room_id: RoomId }>(
      'SELECT room_id FROM erasures WHERE server = ? LIMIT ?',
    ),
    erased: db.prepare<[string, string]>('DELETE FROM erasures WHERE server = ? AND room_id = ?'),
    serversToErase: db.prepare<[string], { server: string }>('SELECT server FROM erasures WHERE room_id = ?'),
  }
}
