import Database from 'better-sqlite3'
import { migrate } from './directory-migrations.ts'

interface Write {
  run: () => unknown
  done: (value: never) => void
  fail: (error: unknown) => void
}

/** `directory.db`, opened once for all that lives in it. What is written in one turn of the event loop shares one commit, one fsync. */
export class DirectoryFile {
  readonly db: Database.Database
  #writes: Write[] = []

  /** Opens or makes the file. @throws if it cannot be written, is damaged, or is of a later version */
  constructor(file: string) {
    this.db = new Database(file)
    try {
      this.db.pragma('journal_mode = WAL')
      this.db.pragma('synchronous = FULL')
      // Of a room that is deleted no word stays behind, not in free pages either.
      this.db.pragma('secure_delete = ON')
      migrate(this.db)
    } catch (error) {
      this.db.close()
      throw error
    }
  }

  /** Resolves when what `run` wrote is durable; it runs in one transaction with what else was asked for in this turn. */
  write<T>(run: () => T): Promise<T> {
    return new Promise<T>((done, fail) => {
      this.#writes.push({ run, done, fail })
      if (this.#writes.length === 1) setImmediate(() => this.#commit())
    })
  }

  /** Brings the file up to all that was written and leaves nothing of it in the log beside it. */
  settle(): void {
    this.db.pragma('wal_checkpoint(TRUNCATE)')
  }

  /** Commits what waits, then closes. */
  close(): void {
    this.#commit()
    this.db.close()
  }

  #commit(): void {
    const writes = this.#writes
    this.#writes = []
    if (writes.length === 0) return
    let results: unknown[]
    try {
      results = this.db.transaction(() => writes.map(({ run }) => run())).immediate()
    } catch (error) {
      for (const { fail } of writes) fail(error)
      return
    }
    writes.forEach(({ done }, at) => done(results[at] as never))
  }
}
