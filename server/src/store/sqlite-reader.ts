import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { CHAT_FILE, connect, meaningOf, oneLine } from './sqlite-file.ts'
import type { Answer, Ask } from './sqlite-messages.ts'

/**
 * The thread that reads, so that a long read delays no commit, and that brings the WAL into the file, so that the commits
 * seldom have to. It never writes: two threads that wait for each other's lock would gain nothing.
 */

const port = parentPort!
const { dir } = workerData as { dir: string }

type Reading = ReturnType<typeof open>

// Opened at the first question, which is when there is something to read.
let reading: Reading | undefined

port.on('message', (ask: Ask) => {
  try {
    reading ??= open()
    port.postMessage({ id: ask.id, value: perform(reading, ask) } satisfies Answer)
  } catch (cause) {
    const message = oneLine(cause instanceof Error ? cause.message : String(cause))
    port.postMessage({ id: ask.id, failed: meaningOf(cause), message } satisfies Answer)
  }
})

function perform({ db, after, before }: Reading, ask: Ask): unknown {
  switch (ask.ask) {
    case 'read':
      return ask.side === 'after'
        ? after.all(ask.room, ask.seq, ask.limit)
        : before.all(ask.room, ask.seq, ask.limit).reverse()
    case 'checkpoint':
      // Twice: what was committed during the first pass is short work for the second, and leaves next to nothing for the
      // writer, whose commits wait while it does the last.
      db.pragma('wal_checkpoint(PASSIVE)')
      db.pragma('wal_checkpoint(PASSIVE)')
      return undefined
    case 'close':
      db.close()
      return undefined
    case 'append':
    case 'take':
    case 'held':
      throw new Error('the reader does not write')
  }
}

function open() {
  const db = connect(join(dir, CHAT_FILE), { mustExist: true })
  db.pragma('query_only = ON') // which still lets it run checkpoints; a read-only connection could not
  const select = `SELECT seq, send_id, sender, username, type, ts, message, rest FROM messages
    WHERE room_key = (SELECT key FROM rooms WHERE room = ?)`
  return {
    db,
    after: db.prepare(`${select} AND seq > ? ORDER BY seq LIMIT ?`).raw(),
    before: db.prepare(`${select} AND seq < ? ORDER BY seq DESC LIMIT ?`).raw(),
  }
}
