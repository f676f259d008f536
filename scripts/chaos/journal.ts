import { createWriteStream, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Entry, LogId, RoomId, Seq } from '@flotilla/protocol/frames.ts'
import type { Journal } from './invariants.ts'

/**
 * What the clients of a run do and see, in memory to be judged and as JSON lines to be kept: a file per client, every line with
 * `at` in milliseconds of the run. `render` names a range of seqs where the bodies are those that stand in `bodies.jsonl`; one
 * that differs from what others saw there stands in the line itself.
 */

const PIECE_CHARACTERS = 32 * 1024

export interface TimedSend {
  at: number
  room: RoomId
  id: string
  text: string
}
export interface TimedAck {
  at: number
  room: RoomId
  id: string
  seq: Seq
}

/** The client was without a connection from `from` to `to`. */
export interface Outage {
  name: string
  from: number
  to: number
  /** It had been connected for long enough for its failures to be forgotten, and nobody pressed "retry". */
  isPlain: boolean
}

export class Journals {
  readonly all: ClientJournal[] = []
  readonly outages: Outage[] = []
  /** Room → when the latest of the sends was made that are acked. */
  readonly ackedUpTo = new Map<RoomId, number>()
  readonly #folder: string
  readonly #startedAt = performance.now()
  readonly #sightings: Sightings
  readonly #bodies: LineFile

  constructor(folder: string) {
    this.#folder = folder
    const bodies = new LineFile(join(folder, 'bodies.jsonl'))
    this.#bodies = bodies
    this.#sightings = new Sightings((log, entry) => bodies.write({ log, entry }))
  }

  /** Acks of all clients. */
  get acked(): number {
    return this.all.reduce((sum, { acked }) => sum + acked.length, 0)
  }

  /** The same entry as a client was shown it, if one was: so that what is read finally is not kept again. */
  known(log: LogId | undefined, entry: Entry): Entry {
    return this.#sightings.known(log, entry)
  }

  /** Milliseconds since the run began. */
  get now(): number {
    return performance.now() - this.#startedAt
  }

  open(name: string): ClientJournal {
    const file = new LineFile(join(this.#folder, `${name}.jsonl`))
    const journal = new ClientJournal(name, {
      file,
      now: () => this.now,
      sightings: this.#sightings,
      outage: (outage) => this.outages.push(outage),
      answered: (room, sentAt) => {
        this.ackedUpTo.set(room, Math.max(sentAt, this.ackedUpTo.get(room) ?? 0))
      },
    })
    this.all.push(journal)
    return journal
  }

  /** Resolves when all is on disk. */
  async close(): Promise<void> {
    const files = [this.#bodies, ...this.all.map((journal) => journal.file)]
    await Promise.all(files.map((file) => file.end()))
  }
}

export class ClientJournal implements Journal {
  readonly name: string
  readonly invoked: TimedSend[] = []
  readonly acked: TimedAck[] = []
  readonly refused: { room: RoomId; id: string; code: string }[] = []
  readonly shown = new Map<RoomId, { log: LogId | undefined; entries: Entry[] }[]>()
  readonly file: LineFile
  readonly #now: () => number
  readonly #sightings: Sightings
  readonly #outage: (outage: Outage) => void
  readonly #answered: (room: RoomId, sentAt: number) => void
  readonly #unanswered = new Map<string, number>()
  #lost: { at: number; isPlain: boolean } | undefined

  constructor(
    name: string,
    ports: {
      file: LineFile
      now: () => number
      sightings: Sightings
      outage: (outage: Outage) => void
      answered: (room: RoomId, sentAt: number) => void
    },
  ) {
    this.name = name
    this.file = ports.file
    this.#now = ports.now
    this.#sightings = ports.sightings
    this.#outage = ports.outage
    this.#answered = ports.answered
  }

  invoke(room: RoomId, id: string, text: string): void {
    const at = this.#now()
    this.invoked.push({ at, room, id, text })
    this.#unanswered.set(id, at)
    this.#write({ invoke: { room, id, text } })
  }

  ack(room: RoomId, id: string, seq: Seq): void {
    this.acked.push({ at: this.#now(), room, id, seq })
    const sentAt = this.#unanswered.get(id)
    if (sentAt !== undefined) this.#answered(room, sentAt)
    this.#unanswered.delete(id)
    this.#write({ ack: { room, id, seq } })
  }

  nack(room: RoomId, id: string, code: string): void {
    this.refused.push({ room, id, code })
    this.#write({ nack: { room, id, code } })
  }

  render(room: RoomId, log: LogId | undefined, entries: readonly Entry[]): void {
    const runs = this.#runsOf(room)
    if (runs.length === 0) runs.push({ log, entries: [] })
    const run = runs.at(-1)!
    run.log ??= log
    const others: Entry[] = []
    for (const entry of entries) {
      const { known, isSame } = this.#sightings.see(log, entry)
      if (!isSame) others.push(entry)
      run.entries.push(isSame ? known : entry)
    }
    const render = { room, log, from: entries[0]?.seq, to: entries.at(-1)?.seq, count: entries.length }
    this.#write({ render: others.length === 0 ? render : { ...render, others } })
  }

  reset(room: RoomId): void {
    this.#runsOf(room).push({ log: undefined, entries: [] })
    this.#write({ reset: { room } })
  }

  /** `server`: where it is connected now, or undefined if it is not; `attempt`: its failures so far. */
  connection(status: string, server: string | undefined, attempt: number): void {
    this.#write({ connection: { status, server, attempt } })
    if (server === undefined) this.#lost ??= { at: this.#now(), isPlain: attempt <= 1 }
    else if (this.#lost !== undefined) {
      const { at, isPlain } = this.#lost
      this.#outage({ name: this.name, from: at, to: this.#now(), isPlain })
      this.#lost = undefined
    }
  }

  /** The outage that is going on; `ms` = for so long. */
  get outage(): { ms: number; isPlain: boolean } | undefined {
    return this.#lost && { ms: this.#now() - this.#lost.at, isPlain: this.#lost.isPlain }
  }

  /** Somebody pressed "retry". */
  pressed(): void {
    this.#write({ pressed: true })
    if (this.#lost !== undefined) this.#lost.isPlain = false
  }

  #runsOf(room: RoomId) {
    let runs = this.shown.get(room)
    if (runs === undefined) this.shown.set(room, (runs = []))
    return runs
  }

  #write(what: Record<string, unknown>): void {
    this.file.write({ at: Math.round(this.#now() * 10) / 10, ...what })
  }
}

/** JSON lines, written a piece at a time: with a write for each, thirty clients that talk are mostly busy with that. */
class LineFile {
  readonly #stream: WriteStream
  #piece = ''

  constructor(path: string) {
    this.#stream = createWriteStream(path)
  }

  write(line: unknown): void {
    this.#piece += `${JSON.stringify(line)}\n`
    if (this.#piece.length >= PIECE_CHARACTERS) this.#flush()
  }

  /** Resolves when all is on disk. */
  async end(): Promise<void> {
    this.#flush()
    await new Promise<void>((resolve) => this.#stream.end(() => resolve()))
  }

  #flush(): void {
    this.#stream.write(this.#piece)
    this.#piece = ''
  }
}

/** The first sight of each entry, so that thirty clients that saw the same keep it once. */
class Sightings {
  readonly #known = new Map<string, Entry>()
  readonly #onNew: (log: LogId | undefined, entry: Entry) => void

  constructor(onNew: (log: LogId | undefined, entry: Entry) => void) {
    this.#onNew = onNew
  }

  known(log: LogId | undefined, entry: Entry): Entry {
    const known = this.#known.get(`${entry.room} ${log} ${entry.seq}`)
    return known !== undefined && isSame(known, entry) ? known : entry
  }

  see(log: LogId | undefined, entry: Entry): { known: Entry; isSame: boolean } {
    const at = `${entry.room} ${log} ${entry.seq}`
    const known = this.#known.get(at)
    if (known !== undefined) return { known, isSame: isSame(known, entry) }
    this.#known.set(at, entry)
    this.#onNew(log, entry)
    return { known: entry, isSame: true }
  }
}

function isSame(a: Entry, b: Entry): boolean {
  return (
    a.type === 'message' &&
    b.type === 'message' &&
    a.id === b.id &&
    a.ts === b.ts &&
    a.text === b.text &&
    a.user.id === b.user.id &&
    a.user.name === b.user.name &&
    a.replyTo === b.replyTo
  )
}
