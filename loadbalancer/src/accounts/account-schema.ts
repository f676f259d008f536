/** The schema of `accounts.db`, step by step. Steps that were released are never changed, only followed by others. */
export const ACCOUNT_STEPS: readonly string[] = [
  `CREATE TABLE users (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     key TEXT NOT NULL UNIQUE,
     password TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     formerly TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE marks (
     mark TEXT PRIMARY KEY,
     user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX marks_by_user ON marks (user_id);
   CREATE TABLE sessions (
     id TEXT PRIMARY KEY,
     user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
     family BLOB NOT NULL,
     turn BLOB NOT NULL,
     agent TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     used_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX sessions_by_user ON sessions (user_id, used_at);
   CREATE INDEX sessions_by_use ON sessions (used_at);
   CREATE TABLE devices (
     user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
     device BLOB NOT NULL,
     used_at INTEGER NOT NULL,
     PRIMARY KEY (user_id, device)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE blocks (
     user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
     other TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
     at INTEGER NOT NULL,
     PRIMARY KEY (user_id, other)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX blocks_by_other ON blocks (other);
   CREATE TABLE revoked_sessions (
     id TEXT PRIMARY KEY,
     until INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE revoked_users (
     id TEXT PRIMARY KEY,
     issued_before INTEGER NOT NULL,
     code INTEGER NOT NULL,
     until INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE departed (
     user_id TEXT PRIMARY KEY
   ) STRICT, WITHOUT ROWID;`,
  `CREATE UNIQUE INDEX users_by_formerly ON users (formerly) WHERE formerly IS NOT NULL;`,
  // Blocks, made or lifted, that the room between the two may not know of; `turn`: rises with each change until it does.
  `CREATE TABLE untold_blocks (
     user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
     other TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
     turn INTEGER NOT NULL,
     PRIMARY KEY (user_id, other)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX untold_blocks_by_other ON untold_blocks (other);`,
]
