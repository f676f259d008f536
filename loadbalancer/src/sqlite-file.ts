import Database from 'better-sqlite3'

interface Write {
  run: () => unknown
  done: (value: never) => void
  fail: (error: unknown) => void
}

/**
 * One SQLite file of the balancer. What is written in one turn of the event loop shares one commit, one fsync; what is erased is
 * gone from the file.
 */
export class SqliteFile {
  readonly db: Database.Database
  #writes: Write[] = []

  /**
   * Opens or makes the file, and brings it to this program's schema: `steps` in order, each once, the number done in
   * `user_version`. A step that was released is never changed, only followed by another.
   * @throws if the file cannot be written, is damaged, or is of a later version
   */
  constructor(file: string, steps: readonly string[]) {
    this.db = new Database(file)
    try {
      this.db.pragma('journal_mode = WAL')
      this.db.pragma('synchronous = FULL')
      this.db.pragma('foreign_keys = ON')
      this.db.pragma('secure_delete = ON')
      this.#migrate(steps)
    } catch (error) {
      this.db.close()
      throw error
    }
  }

  /** Runs in one transaction with all else that is written in this turn. Resolves when it is on disk. */
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

  #migrate(steps: readonly string[]): void {
    const found = this.db.pragma('user_version', { simple: true }) as number
    if (found > steps.length) throw new Error(`its schema ${found} is of a later version`)
    for (const [at, step] of steps.entries()) {
      if (at < found) continue
      this.db
        .transaction(() => {
          this.db.exec(step)
          this.db.pragma(`user_version = ${at + 1}`)
        })
        .immediate()
    }
  }
}
