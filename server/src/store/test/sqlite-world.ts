import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from '../sqlite-store.ts'
import type { StoreWorld } from '../store.contract.ts'

/** A folder that is gone after the test. */
export function freshFolder(t: { after(done: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), 'flotilla-store-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Chat files of several servers in folders side by side. */
export function sqliteWorld(options: Partial<SqliteStoreOptions> = {}): StoreWorld {
  const root = mkdtempSync(join(tmpdir(), 'flotilla-store-'))
  const opened: SqliteStore[] = []
  return {
    open: async (id = 'a') => {
      const store = await openSqliteStore({ dir: join(root, id), self: id, ...options })
      opened.push(store)
      return store
    },
    ref: (id) => ({ id, dataDir: join(root, id) }),
    end: async () => {
      await Promise.all(opened.map((store) => store.close()))
      rmSync(root, { recursive: true })
    },
  }
}
