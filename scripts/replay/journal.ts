import type { Entry, Seq } from '@flotilla/protocol/frames.ts'

/** A line of the log that was handed to a client to send, under an id of ours. */
export interface Sent {
  id: string
  name: string
  text: string
  /** Its number in the file, for people. */
  line: number
}

/** What a member saw at one place of the room's log. */
export interface Seen {
  seq: Seq
  id: string
  name: string
  /** Undefined: not a message. */
  text: string | undefined
}

/** One client, with all it saw, in the order in which it saw it. */
export interface Witness {
  name: string
  seen: Seen[]
  /** How often it was told to drop all it had. */
  resets: number
}

export interface Ack {
  id: string
  seq: Seq
}

/** A row of a server's file, or what stands for it. */
export type StoredRow = Seen
export interface StoredFile {
  file: string
  rows: StoredRow[]
}

/** Everything that happened in one replay; `verify` judges it. */
export interface Journal {
  sent: Sent[]
  acks: Ack[]
  refusals: { id: string; code: string }[]
  witnesses: Witness[]
  /** Undefined: the files are not ours to read. */
  files?: StoredFile[]
}

/** Turns entries into what is compared, the same object for the same content, so that a thousand witnesses fit. */
export class Sightings {
  readonly #known = new Map<Seq, Seen>()

  of(entry: Entry): Seen {
    const seen: Seen = {
      seq: entry.seq,
      id: entry.id,
      name: entry.user.name,
      text: entry.type === 'message' ? entry.text : undefined,
    }
    const known = this.#known.get(entry.seq)
    if (known && isSame(known, seen)) return known
    if (!known) this.#known.set(entry.seq, seen)
    return seen
  }
}

export function isSame(a: Seen, b: Seen): boolean {
  return a === b || (a.seq === b.seq && a.id === b.id && a.name === b.name && a.text === b.text)
}
