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

/** The entry to keep for one that was read: the same object for the same entry, where there is one already. */
export type Known = (log: LogId, entry: Entry) => Entry

/** The whole log of a room by `history`, from a client that only just came, over the server at `url`. @throws if it takes too long */
export async function readByHistory(
  url: string,
  name: string,
  room: RoomId,
  { timeoutMs, known }: { timeoutMs: number; known: Known },
): Promise<FinalRead> {
  const deadline = performance.now() + timeoutMs
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
      if (performance.now() > deadline)
        throw new Error(`${name} has read ${room} down to ${before} of ${head} only`)
      const { entries } = await patiently(() => chat.history(before, LIMITS.historyEntries))
      if (entries.length === 0) break
      pages.push(entries.map((entry) => known(log!, entry)))
      before = entries[0]!.seq
    }
    return { room, log: log!, entries: pages.reverse().flat(), by: name, isWhole: true }
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
  /** Not all of it is here yet: a room is served with its tail, the rest is copied behind. */
  isPartial: boolean
}

/** Names of rows whose content was replaced and waits to be deleted. */
const BURIED = '~'

/** The rooms of a chat file, read as any SQLite tool would. */
export function readFile(folder: string, by: string, known: Known): FileRoom[] {
  return withFile(folder, [], (db) => {
    const entries = db
      .prepare<[number], [Seq, string, string, string, EntryType, number, string | null, string | null]>(
        'SELECT seq, send_id, sender, username, type, ts, message, rest FROM messages WHERE room_key = ? ORDER BY seq',
      )
      .raw()
    return roomRows(db).map(({ key, room, log, epoch, movedTo, isPartial }) => ({
      room,
      log,
      epoch,
      movedTo,
      isPartial: isPartial === 1,
      entries: Array.from(entries.iterate(key), (row) => known(log, entryOf(room, ...row))),
      by,
      isWhole: movedTo === null,
    }))
  })
}

/** Whether every room that is served from this file is in it with all its entries. */
export function isFileWhole(folder: string): boolean {
  return withFile(folder, true, (db) =>
    roomRows(db).every(({ movedTo, isPartial }) => movedTo !== null || isPartial === 0),
  )
}

function roomRows(db: Database.Database) {
  return db
    .prepare<
      [],
      { key: number; room: RoomId; log: LogId; epoch: number; movedTo: string | null; isPartial: number }
    >(
      `SELECT key, room, log, epoch, moved_to AS movedTo, missing IS NOT NULL AS isPartial FROM rooms
       WHERE room NOT GLOB '${BURIED}*'`,
    )
    .all()
}

function withFile<T>(folder: string, otherwise: T, read: (db: Database.Database) => T): T {
  const path = join(folder, 'chat.db')
  if (!existsSync(path)) return otherwise
  const db = new Database(path, { readonly: true, timeout: 1_000 })
  try {
    return read(db)
  } finally {
    db.close()
  }
}
