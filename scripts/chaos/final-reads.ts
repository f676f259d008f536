import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ChatClient, ChatError } from '@flotilla/protocol/client/client.ts'
import type { Entry, EntryType, LogId, RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { entryOf } from '../../server/src/store/entries.ts'
import { until } from '../fleet/until.ts'
import type { FinalRead } from './invariants.ts'

/** What is there when all is over: as a fresh client gets it from a server, and as it stands in the files. */

/** The whole log of a room by `history`, from a client that only just came, over the server at `url`. */
export async function readByHistory(url: string, name: string, room: RoomId): Promise<FinalRead> {
  const client = new ChatClient({
    loadbalancers: [''],
    identity: { username: name },
    fetch: async () => Response.json({ url, alternatives: [] }),
  })
  try {
    client.start()
    const chat = client.room(room)
    await until(`${name} is in ${room}`, () => chat.state.status === 'live' && chat.state.log)
    const { log, head } = chat.state
    const pages: Entry[][] = []
    for (let before = head + 1; before > 1;) {
      const { entries } = await patiently(() => chat.history(before, LIMITS.historyEntries))
      if (entries.length === 0) break
      pages.unshift(entries)
      before = entries[0]!.seq
    }
    return { room, log: log!, entries: pages.flat(), by: name, isWhole: true }
  } finally {
    client.close()
  }
}

/** `busy` means: again. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  return until(
    'an answer to history',
    async () => {
      try {
        return { answer: await ask() }
      } catch (error) {
        if (error instanceof ChatError && error.code === 'busy') return undefined
        throw error
      }
    },
    { everyMs: 100 },
  ).then(({ answer }) => answer)
}

export interface FileRoom extends FinalRead {
  epoch: number
  /** The server whose store has it now; null: this one. */
  movedTo: string | null
}

/** The rooms of a chat file, read as any SQLite tool would. Nobody may be writing it. */
export function readFile(folder: string, by: string): FileRoom[] {
  const path = join(folder, 'chat.db')
  if (!existsSync(path)) return []
  const db = new Database(path, { readonly: true })
  try {
    const rooms = db
      .prepare<[], { key: number; room: RoomId; log: LogId; epoch: number; movedTo: string | null }>(
        'SELECT key, room, log, epoch, moved_to AS movedTo FROM rooms',
      )
      .all()
    const entries = db
      .prepare<[number], [Seq, string, string, string, EntryType, number, string | null, string | null]>(
        'SELECT seq, send_id, sender, username, type, ts, message, rest FROM messages WHERE room_key = ? ORDER BY seq',
      )
      .raw()
    return rooms.map(({ key, room, log, epoch, movedTo }) => ({
      room,
      log,
      epoch,
      movedTo,
      entries: entries.all(key).map((row) => entryOf(room, ...row)),
      by,
      isWhole: movedTo === null,
    }))
  } finally {
    db.close()
  }
}
