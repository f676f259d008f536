import type { HeldRoom } from '@flotilla/protocol/control.ts'
import type { RoomId, User } from '@flotilla/protocol/frames.ts'
import type { Database } from 'better-sqlite3'
import type { SqliteFile } from '../sqlite-file.ts'
import { isDirectRoomId } from './direct-room.ts'
import {
  GENERAL,
  type DirectoryStore,
  type NewRoom,
  type RoomRecord,
  type ServerRecord,
} from './directory-store.ts'
import { roomOf, type RoomRow } from './room-row.ts'

interface ServerRow {
  id: string
  url: string
  host: string
  port: number
  capacity: number
  inc: string
  data_dir: string | null
  heard_at: number
}

/** The directory in one SQLite file. What is written in one turn of the event loop shares one commit, one fsync. */
export class SqliteDirectoryStore implements DirectoryStore {
  readonly #file: SqliteFile
  readonly #statements: ReturnType<typeof prepare>

  constructor(file: SqliteFile) {
    this.#file = file
    this.#statements = prepare(file.db)
    const general = { roomId: GENERAL, name: 'General', visibility: 'public', createdAt: 0, epoch: 0 }
    this.#statements.insertRoom.run({ ...general, createdBy: null, home: null, genesis: null })
  }

  async room(roomId: RoomId): Promise<RoomRecord | undefined> {
    return this.#room(roomId)
  }

  async publicRooms(limit: number): Promise<RoomRecord[]> {
    return this.#statements.publicRooms.all(GENERAL, limit).map(roomOf)
  }

  createRoom(room: NewRoom): Promise<boolean> {
    return this.#file.write(() => this.#insert(room, null, 0))
  }

  moveRoom(roomId: RoomId, home: string, epoch: number): Promise<RoomRecord | undefined> {
    return this.#file.write(() => {
      const room = this.#room(roomId)
      if (room === undefined || room.epoch >= epoch) return room
      const holders = JSON.stringify([...room.holders.filter((id) => id !== home), home])
      this.#statements.moveRoom.run({ roomId, home, epoch, holders })
      return this.#room(roomId)
    })
  }

  adoptRooms(server: string, held: readonly HeldRoom[], now: number): Promise<RoomId[]> {
    return this.#file.write(() =>
      held.filter((room) => this.#adopt(server, room, now)).map(({ room }) => room),
    )
  }

  async server(id: string): Promise<ServerRecord | undefined> {
    const row = this.#statements.server.get(id)
    return row && serverOf(row)
  }

  async serversSince(heardAt: number): Promise<ServerRecord[]> {
    return this.#statements.serversSince.all(Math.floor(heardAt)).map(serverOf)
  }

  saveServer(server: ServerRecord): Promise<void> {
    return this.#file.write(() => {
      const { dataDir = null, heardAt } = server
      this.#statements.saveServer.run({ ...server, dataDir, heardAt: Math.floor(heardAt) })
    })
  }

  raiseWatermarks(commitNos: ReadonlyMap<string, number>): Promise<void> {
    return this.#file.write(() => {
      for (const [id, commitNo] of commitNos) this.#statements.raiseWatermark.run({ id, commitNo })
    })
  }

  async watermark(id: string): Promise<number | undefined> {
    return this.#statements.watermark.get(id)?.commit_no ?? undefined
  }

  async publicHome(roomId: RoomId): Promise<string | undefined> {
    return this.#statements.publicHome.get(roomId)?.home ?? undefined
  }

  close(): void {
    this.#file.close()
  }

  #room(roomId: RoomId): RoomRecord | undefined {
    const row = this.#statements.room.get(roomId)
    return row && roomOf(row)
  }

  /** @returns whether it is new */
  #insert({ createdBy, genesis, ...room }: NewRoom, home: string | null, epoch: number): boolean {
    const given = { ...room, home, epoch, createdBy: createdBy ?? null, genesis: jsonOrNull(genesis) }
    if (this.#statements.insertRoom.run(given).changes === 0) return false
    const { roomId } = room
    const join = (user: User | undefined, role: string) =>
      user && this.#statements.insertMember.run({ roomId, userId: user.id, role })
    if (genesis?.visibility !== 'direct') join(genesis?.createdBy, 'owner')
    for (const user of genesis?.people ?? []) join(user, 'member')
    return true
  }

  /** @returns whether something was learnt */
  #adopt(server: string, { room: roomId, epoch, genesis }: HeldRoom, now: number): boolean {
    // Only what says of itself that it is a room between two may have such an id: it must not become public.
    if (genesis?.visibility !== 'direct' && isDirectRoomId(roomId)) return false
    const { visibility = 'public', name = roomId, createdAt = now, createdBy } = genesis ?? {}
    const room = {
      roomId,
      name,
      visibility,
      createdAt,
      createdBy: createdBy?.id,
      ...(genesis && { genesis }),
    }
    const isNew = this.#insert(room, server, epoch)
    const before = isNew ? undefined : this.#room(roomId)
    if (!isNew && before === undefined) {
      // It is deleted, and this server was not there then.
      this.#statements.insertErasure.run(server, roomId)
      return false
    }
    if (before !== undefined && before.genesis === undefined && genesis !== undefined && roomId !== GENERAL) {
      this.#statements.learnGenesis.run({ roomId, visibility, genesis: jsonOrNull(genesis) })
    }
    this.#statements.adoptRoom.run({ roomId, home: server, epoch, holders: JSON.stringify([server]) })
    const isKnown = before?.home === server && before.epoch === epoch
    return !isKnown && this.#room(roomId)?.home === server
  }
}

function prepare(db: Database) {
  const move = 'UPDATE rooms SET home = :home, epoch = :epoch, holders = :holders'
  return {
    room: db.prepare<[string], RoomRow>(`SELECT * FROM rooms WHERE room_id = ? AND visibility <> 'deleted'`),
    publicRooms: db.prepare<[string, number], RoomRow>(
      `SELECT * FROM rooms WHERE visibility = 'public' ORDER BY room_id = ? DESC, created_at DESC LIMIT ?`,
    ),
    publicHome: db.prepare<[string], { home: string | null }>(
      `SELECT home FROM rooms WHERE room_id = ? AND visibility = 'public'`,
    ),
    insertRoom: db.prepare(
      `INSERT INTO rooms (room_id, name, visibility, created_at, created_by, home, epoch, genesis)
       VALUES (:roomId, :name, :visibility, :createdAt, :createdBy, :home, :epoch, :genesis) ON CONFLICT DO NOTHING`,
    ),
    insertMember: db.prepare(
      `INSERT INTO members (room_id, user_id, role, seq) VALUES (:roomId, :userId, :role, 0) ON CONFLICT DO NOTHING`,
    ),
    insertErasure: db.prepare<[string, string]>(
      'INSERT INTO erasures (server, room_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    learnGenesis: db.prepare(
      'UPDATE rooms SET genesis = :genesis, visibility = :visibility WHERE room_id = :roomId',
    ),
    moveRoom: db.prepare(`${move} WHERE room_id = :roomId AND epoch < :epoch`),
    adoptRoom: db.prepare(
      `${move} WHERE room_id = :roomId AND (epoch < :epoch OR (epoch = :epoch AND coalesce(home, :home) = :home))`,
    ),
    server: db.prepare<[string], ServerRow>('SELECT * FROM servers WHERE id = ?'),
    serversSince: db.prepare<[number], ServerRow>('SELECT * FROM servers WHERE heard_at >= ?'),
    saveServer: db.prepare(
      `INSERT INTO servers (id, url, host, port, capacity, inc, data_dir, heard_at)
       VALUES (:id, :url, :host, :port, :capacity, :inc, :dataDir, :heardAt)
       ON CONFLICT (id) DO UPDATE SET url = :url, host = :host, port = :port, capacity = :capacity, inc = :inc,
         data_dir = :dataDir, heard_at = :heardAt`,
    ),
    raiseWatermark: db.prepare(
      'UPDATE servers SET commit_no = :commitNo WHERE id = :id AND coalesce(commit_no, -1) < :commitNo',
    ),
    watermark: db.prepare<[string], { commit_no: number | null }>(
      'SELECT commit_no FROM servers WHERE id = ?',
    ),
  }
}

function jsonOrNull(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

function serverOf(row: ServerRow): ServerRecord {
  const { id, url, host, port, capacity, inc } = row
  return { id, url, host, port, capacity, inc, dataDir: row.data_dir ?? undefined, heardAt: row.heard_at }
}
