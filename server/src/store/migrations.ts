import type { Database } from 'better-sqlite3'
import { StoreUnusable } from './store.ts'

/**
 * The schema of `chat.db`, step by step; a file's `user_version` counts those it has had. Steps that were released are never
 * changed, only followed by others: there is no way back to an earlier one.
 */
const STEPS: readonly string[] = [
  // `rooms` holds the fence: who may write a room is decided by its row, inside the transaction that writes.
  // `messages` starts with the columns every chat has had, so that any SQLite tool reads it; `rest` is JSON, see entries.ts.
  // The integer key of a room keeps both indexes small: each new entry touches a page of either.
  `CREATE TABLE rooms (
     key INTEGER PRIMARY KEY,
     room TEXT NOT NULL UNIQUE,
     log TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     moved_to TEXT,
     head INTEGER NOT NULL,
     last_ts INTEGER NOT NULL
   );
   CREATE TABLE messages (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     username TEXT,
     message TEXT,
     timestamp DATETIME DEFAULT CURRENT_TIMESTAMP,
     room_key INTEGER NOT NULL,
     seq INTEGER NOT NULL,
     sender TEXT NOT NULL,
     send_id TEXT NOT NULL,
     type TEXT NOT NULL,
     ts INTEGER NOT NULL,
     rest TEXT
   );
   CREATE UNIQUE INDEX messages_by_seq ON messages (room_key, seq);
   CREATE UNIQUE INDEX messages_by_send ON messages (room_key, sender, send_id);`,
  // `term`: the last epoch in which this store was the room's home with all of it. `missing`: JSON, what of the room is not here
  // (room-table.ts). `seal` and `crc` tell when the disk changed what they cover (NULL: written before there were any).
  `ALTER TABLE rooms ADD COLUMN term INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE rooms ADD COLUMN is_doubted INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE rooms ADD COLUMN missing TEXT;
   ALTER TABLE rooms ADD COLUMN seal INTEGER;
   UPDATE rooms SET term = epoch WHERE moved_to IS NULL;
   ALTER TABLE messages ADD COLUMN crc INTEGER;`,
  // `was`: JSON, the earlier logs of the content (lineage.ts). Till now what was missing had the log it was missing of beside it,
  // which differs from the room's own if that was renewed since. Such rows get their seal when they are next written.
  `ALTER TABLE rooms ADD COLUMN was TEXT;
   UPDATE rooms SET seal = NULL, was = json_array(json_object('log', missing ->> '$.log',
     'ranges', json_array(json_array(1, missing -> '$.ranges[#-1][1]'))))
     WHERE missing IS NOT NULL AND missing ->> '$.log' <> log;`,
  // `genesis`: JSON, what the room was made as (NULL: before rooms had any; it is public). `floor`: the lowest seq that is served.
  // The index holds what changed the room itself, for its roster and its audit log: messages do not touch it.
  `ALTER TABLE rooms ADD COLUMN genesis TEXT;
   ALTER TABLE rooms ADD COLUMN floor INTEGER NOT NULL DEFAULT 1;
   CREATE INDEX messages_of_record ON messages (room_key, seq) WHERE type IN ('system', 'delete');`,
  // `formers`: JSON, the stores the room was taken from, the last ones first (NULL: none is known).
  `ALTER TABLE rooms ADD COLUMN formers TEXT;`,
]

export const SCHEMA_VERSION = STEPS.length

export function schemaVersion(db: Database): number {
  return db.pragma('user_version', { simple: true }) as number
}

/**
 * Brings a file to this program's schema, each step whole or not at all. `to`: for tests, to an earlier one, as the program of
 * that time left it.
 * @throws StoreUnusable: it is newer, or not ours
 */
export function migrate(db: Database, path: string, to = SCHEMA_VERSION): void {
  const found = schemaVersion(db)
  if (found > SCHEMA_VERSION) {
    throw new StoreUnusable(
      `${path} was written by a newer version (schema ${found}, this one knows up to ${SCHEMA_VERSION}): update, or use another data folder`,
    )
  }
  if (found === 0 && db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined) {
    throw new StoreUnusable(`${path} holds another program's tables: use another data folder`)
  }
  for (const [at, step] of STEPS.slice(0, to).entries()) {
    if (at < found) continue
    db.transaction(() => {
      db.exec(step)
      db.pragma(`user_version = ${at + 1}`)
    }).immediate()
  }
}
