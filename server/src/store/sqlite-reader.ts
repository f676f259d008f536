import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { RoomReader } from './room-reader.ts'
import { CHAT_FILE, connect, meaningOf, oneLine } from './sqlite-file.ts'
import type { Answer, Ask } from './sqlite-messages.ts'
import { SourceUnavailable } from './store.ts'
import { suspect } from './suspicion.ts'

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
    const failed = cause instanceof SourceUnavailable ? 'source' : meaningOf(cause)
    if (failed === 'lost') suspect(dir, ask.ask === 'read' || ask.ask === 'audit' ? ask.room : undefined)
    port.postMessage({ id: ask.id, failed, message } satisfies Answer)
  }
})

function perform({ db, reader }: Reading, ask: Ask): unknown {
  switch (ask.ask) {
    case 'read':
      return reader.read(ask.room, ask.side, ask.seq, ask.limit)
    case 'audit':
      return reader.audit(ask.room, ask.before, ask.limit)
    case 'rooms-of':
      return reader.senders.roomsOf(ask.userId)
    case 'entries-of':
      return reader.senders.entriesOf(ask.userId, ask.after, ask.limit)
    case 'checkpoint':
      // Twice: what was committed during the first pass is short work for the second, and leaves next to nothing for the
      // writer, whose commits wait while it does the last.
      db.pragma('wal_checkpoint(PASSIVE)')
      db.pragma('wal_checkpoint(PASSIVE)')
      return undefined
    case 'close':
      reader.close()
      return undefined
    case 'append':
    case 'take':
    case 'erase':
    case 'forget':
    case 'sweep':
    case 'forget-name':
    case 'held':
    case 'renew-logs':
      throw new Error('the reader does not write')
  }
}

function open() {
  const db = connect(join(dir, CHAT_FILE), { mustExist: true })
  db.pragma('query_only = ON') // which still lets it run checkpoints; a read-only connection could not
  return { db, reader: new RoomReader(db) }
}
