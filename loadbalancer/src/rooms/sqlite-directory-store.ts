import type { HeldRoom, Visibility } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import Database from 'better-sqlite3'
import {
  GENERAL,
  type DirectoryStore,
  type NewRoom,
  type RoomRecord,
  type ServerRecord,
} from './directory-store.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS rooms (
    room_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    visibility TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT,
    home TEXT,
    epoch INTEGER NOT NULL DEFAULT 0,
    holders TEXT NOT NULL DEFAULT '[]'
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS rooms_by_age ON rooms (visibility, created_at DESC);
  CREATE TABLE IF NOT EXISTS servers (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    capacity INTEGER NOT NULL,
    inc TEXT NOT NULL,
    data_dir TEXT,
    heard_at INTEGER NOT NULL,
    commit_no INTEGER
  ) STRICT;
`
const SCHEMA_VERSION = 1

interface RoomRow {
  room_id: string
  name: string
  visibility: Visibility
  created_at: number
  created_by: string | null
  home: string | null
  epoch: number
  holders: string
}
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
interface Write {
  run: () => unknown
  done: (value: never) => void
  fail: (error: unknown) => void
}

/** The directory in one SQLite file. What is written in one turn of the event loop shares one commit, one fsync. */
export class SqliteDirectoryStore implements DirectoryStore {
  readonly #db: Database.Database
  readonly #statements: ReturnType<typeof prepare>
  #writes: Write[] = []

  /** Opens or makes the file. @throws if it cannot be written, is damaged, or is of a later version */
  constructor(file: string) {
    this.#db = new Database(file)
    try {
      this.#db.pragma('journal_mode = WAL')
      this.#db.pragma('synchronous = FULL')
      const version = this.#db.pragma('user_version', { simple: true }) as number
      if (version > SCHEMA_VERSION) throw new Error(`its schema ${version} is of a later version`)
      this.#db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
      this.#statements = prepare(this.#db)
      this.#statements.insertRoom.run(GENERAL, 'General', 'public', 0, null, null, 0)
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  async room(roomId: RoomId): Promise<RoomRecord | undefined> {
    return this.#room(roomId)
  }

  async publicRooms(limit: number): Promise<RoomRecord[]> {
    return this.#statements.publicRooms.all(GENERAL, limit).map(roomOf)
  }

  createRoom({ roomId, name, visibility, createdAt, createdBy }: NewRoom): Promise<boolean> {
    return this.#write(() => {
      const { insertRoom } = this.#statements
      return insertRoom.run(roomId, name, visibility, createdAt, createdBy ?? null, null, 0).changes === 1
    })
  }

  moveRoom(roomId: RoomId, home: string, epoch: number): Promise<RoomRecord | undefined> {
    return this.#write(() => {
      const room = this.#room(roomId)
      if (room === undefined || room.epoch >= epoch) return room
      const holders = JSON.stringify([...room.holders.filter((id) => id !== home), home])
      this.#statements.moveRoom.run({ roomId, home, epoch, holders })
      return this.#room(roomId)
    })
  }

  adoptRooms(server: string, held: readonly HeldRoom[], now: number): Promise<RoomId[]> {
    return this.#write(() => {
      const learnt: RoomId[] = []
      for (const { room, epoch } of held) {
        const { insertRoom, adoptRoom } = this.#statements
        const isNew = insertRoom.run(room, room, 'public', now, null, server, epoch).changes === 1
        const before = isNew ? undefined : this.#room(room)
        adoptRoom.run({ roomId: room, home: server, epoch, holders: JSON.stringify([server]) })
        if (isNew || before?.home !== server || before.epoch !== epoch) {
          if (this.#room(room)?.home === server) learnt.push(room)
        }
      }
      return learnt
    })
  }

  async server(id: string): Promise<ServerRecord | undefined> {
    const row = this.#statements.server.get(id)
    return row && serverOf(row)
  }

  async serversSince(heardAt: number): Promise<ServerRecord[]> {
    return this.#statements.serversSince.all(Math.floor(heardAt)).map(serverOf)
  }

  saveServer(server: ServerRecord): Promise<void> {
    return this.#write(() => {
      const { dataDir = null, heardAt } = server
      this.#statements.saveServer.run({ ...server, dataDir, heardAt: Math.floor(heardAt) })
    })
  }

  raiseWatermarks(commitNos: ReadonlyMap<string, number>): Promise<void> {
    return this.#write(() => {
      for (const [id, commitNo] of commitNos) this.#statements.raiseWatermark.run({ id, commitNo })
    })
  }

  async watermark(id: string): Promise<number | undefined> {
    return this.#statements.watermark.get(id)?.commit_no ?? undefined
  }

  /** Commits what waits, then closes. */
  close(): void {
    this.#commit()
    this.#db.close()
  }

  #room(roomId: RoomId): RoomRecord | undefined {
    const row = this.#statements.room.get(roomId)
    return row && roomOf(row)
  }

  #write<T>(run: () => T): Promise<T> {
    return new Promise<T>((done, fail) => {
      this.#writes.push({ run, done, fail })
      if (this.#writes.length === 1) setImmediate(() => this.#commit())
    })
  }

  #commit(): void {
    const writes = this.#writes
    this.#writes = []
    if (writes.length === 0) return
    let results: unknown[]
    try {
      results = this.#db.transaction(() => writes.map(({ run }) => run())).immediate()
    } catch (error) {
      for (const { fail } of writes) fail(error)
      return
    }
    writes.forEach(({ done }, at) => done(results[at] as never))
  }
}

function prepare(db: Database.Database) {
  const move = 'UPDATE rooms SET home = :home, epoch = :epoch, holders = :holders'
  return {
    room: db.prepare<[string], RoomRow>('SELECT * FROM rooms WHERE room_id = ?'),
    publicRooms: db.prepare<[string, number], RoomRow>(
      `SELECT * FROM rooms WHERE visibility = 'public' ORDER BY room_id = ? DESC, created_at DESC LIMIT ?`,
    ),
    insertRoom: db.prepare<[string, string, string, number, string | null, string | null, number]>(
      `INSERT INTO rooms (room_id, name, visibility, created_at, created_by, home, epoch)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
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

function roomOf(row: RoomRow): RoomRecord {
  return {
    roomId: row.room_id,
    name: row.name,
    visibility: row.visibility,
    createdAt: row.created_at,
    createdBy: row.created_by ?? undefined,
    home: row.home ?? undefined,
    epoch: row.epoch,
    holders: JSON.parse(row.holders) as string[],
  }
}

function serverOf(row: ServerRow): ServerRecord {
  const { id, url, host, port, capacity, inc } = row
  return { id, url, host, port, capacity, inc, dataDir: row.data_dir ?? undefined, heardAt: row.heard_at }
}
