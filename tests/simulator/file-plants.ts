import { plant, type Plant } from './plants.ts'

/**
 * Bugs in what only real processes have: SQLite's files and transactions. Chaos has to find each (tests/fleet/chaos-plants.test.ts),
 * by what it does to people: `breaks` = breaches that a fleet without a bug never has, however slow the machine is.
 */
export interface FilePlant extends Plant {
  /** The kind of fault under which it bites. */
  fault: 'drain' | 'kill'
  breaks: RegExp
}

/** So long that it is nothing rare for a fence to be raised, or for a process to be killed, meanwhile. */
const standsStill = (ms: number) => `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms})`

/** An ack for what is not there, or two bodies of one seq. */
const LOST_OR_OTHER = /^[13] /

export const FILE_PLANTS: readonly FilePlant[] = [
  {
    ...plant('raises no fence in the file a room is taken from', {
      file: 'server/src/store/source.ts',
      find: 'this.#rooms.update(fenced)',
      put: '',
    }),
    fault: 'drain',
    breaks: new RegExp(`${LOST_OR_OTHER.source}|^9 .* and .* have it$`),
  },
  {
    ...plant('commits whatever the fence in the file says', {
      file: 'server/src/store/sqlite-writer.ts',
      find: 'if (!isStill) return undefined',
      put: '',
    }),
    fault: 'drain',
    breaks: LOST_OR_OTHER,
  },
  {
    ...plant(
      'looks at the fence in the file before its transaction, not in it',
      {
        file: 'server/src/store/sqlite-writer.ts',
        find: 'const before = this.#commitNo\n',
        put: `const before = this.#commitNo
    for (const room of this.#rooms.keys()) if (this.row(room)?.movedTo !== null) this.forget(room)
    ${standsStill(100)}
`,
      },
      {
        file: 'server/src/store/sqlite-writer.ts',
        find: 'if (!isStill) return undefined',
        put: '',
      },
    ),
    fault: 'drain',
    breaks: LOST_OR_OTHER,
  },
  {
    ...plant(
      'reads the head of the file a room is taken from before it fences it',
      {
        file: 'server/src/store/take-over.ts',
        find: "yield 'level'",
        put: `${standsStill(100)}
    yield 'level'`,
      },
      {
        file: 'server/src/store/take-over.ts',
        find: "while (copyChunk(last.source, copy)) yield 'chunk copied'",
        put: '',
      },
      {
        file: 'server/src/store/take-over.ts',
        find: 'copy.finish(epoch, last.row,',
        put: 'copy.finish(epoch, { ...last.row, head: copy.head },',
      },
    ),
    fault: 'drain',
    breaks: LOST_OR_OTHER,
  },
  {
    ...plant(
      'has no unique index that finds a repeat',
      {
        file: 'server/src/store/migrations.ts',
        find: 'CREATE UNIQUE INDEX messages_by_send',
        put: 'CREATE INDEX messages_by_send',
      },
      {
        file: 'server/src/store/sqlite-writer.ts',
        find: 'ON CONFLICT (room_key, sender, send_id) DO NOTHING',
        put: '',
      },
      {
        file: 'server/src/store/sqlite-writer.ts',
        find: 'if (this.#commitNo > before) this.#mark?.write(this.#commitNo)',
        put: standsStill(60),
      },
    ),
    fault: 'kill',
    breaks: /^2 /,
  },
  {
    ...plant(
      'answers before SQLite has committed',
      {
        file: 'server/src/store/sqlite-writer.ts',
        find: "begin: db.prepare('BEGIN IMMEDIATE'),",
        put: `begin: {
      run() {
        if (db.inTransaction) return
        db.exec('BEGIN IMMEDIATE')
        setTimeout(() => db.inTransaction && db.exec('COMMIT'), 400)
      },
    },`,
      },
      {
        file: 'server/src/store/sqlite-writer.ts',
        find: 'else this.#sql.commit.run()',
        put: '',
      },
      {
        file: 'server/src/store/sqlite-writer.ts',
        find: 'waitingFrames(): number {',
        put: `waitingFrames(): number {
    if (this.db.inTransaction) this.#sql.commit.run()`,
      },
    ),
    fault: 'kill',
    breaks: LOST_OR_OTHER,
  },
]
