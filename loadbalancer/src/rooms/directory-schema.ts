import { SqliteFile } from '../sqlite-file.ts'

/**
 * The schema of `directory.db`, step by step; a file's `user_version` counts those it has had. Steps that were released are
 * never changed, only followed by others: there is no way back to an earlier one.
 */
export const STEPS: readonly string[] = [
  `CREATE TABLE rooms (
     room_id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     visibility TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     created_by TEXT,
     home TEXT,
     epoch INTEGER NOT NULL DEFAULT 0,
     holders TEXT NOT NULL DEFAULT '[]'
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX rooms_by_age ON rooms (visibility, created_at DESC);
   CREATE TABLE servers (
     id TEXT PRIMARY KEY,
     url TEXT NOT NULL,
     host TEXT NOT NULL,
     port INTEGER NOT NULL,
     capacity INTEGER NOT NULL,
     inc TEXT NOT NULL,
     data_dir TEXT,
     heard_at INTEGER NOT NULL,
     commit_no INTEGER
   ) STRICT;`,
  // `genesis`: JSON, NULL for rooms that were made before there was any; all of those are public. `visibility` 'deleted': nothing
  // but the id is left of the room. `facts`: JSON, what its log changed since, each with the seq that did (room-row.ts).
  // `members` follows the logs, too, for lists; role NULL: that is nobody's, as of that seq. `looked_at`: the seq up to which
  // both were compared with the log. `links`: for the time when no home can be asked. `erasures`: what a server has still to erase.
  `ALTER TABLE rooms ADD COLUMN genesis TEXT;
   ALTER TABLE rooms ADD COLUMN facts TEXT;
   ALTER TABLE rooms ADD COLUMN looked_at INTEGER NOT NULL DEFAULT -1;
   CREATE TABLE members (
     user_id TEXT NOT NULL,
     room_id TEXT NOT NULL,
     role TEXT,
     seq INTEGER NOT NULL,
     PRIMARY KEY (user_id, room_id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX members_by_room ON members (room_id);
   CREATE TABLE links (
     hash TEXT PRIMARY KEY,
     room_id TEXT NOT NULL,
     until INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX links_by_room ON links (room_id);
   CREATE TABLE reports (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     room_id TEXT NOT NULL,
     seq INTEGER NOT NULL,
     by_id TEXT NOT NULL,
     by_name TEXT NOT NULL,
     reason TEXT NOT NULL,
     at INTEGER NOT NULL,
     UNIQUE (room_id, seq, by_id)
   ) STRICT;
   CREATE TABLE erasures (
     server TEXT NOT NULL,
     room_id TEXT NOT NULL,
     PRIMARY KEY (server, room_id)
   ) STRICT, WITHOUT ROWID;`,
]

/** Opens or makes the file of the directory. @throws if it cannot be written, is damaged, or is of a later version */
export function openDirectoryFile(file: string): SqliteFile {
  return new SqliteFile(file, STEPS)
}
