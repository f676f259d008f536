import { randomUUID } from 'node:crypto'
import type { Entry, LogId, RoomId, Seq, UserId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { entryOf, restOf } from './entries.ts'
import {
  eraseName,
  isErased,
  isGoneEntry,
  isOfRecord,
  keyOf,
  newRoom,
  raiseFloor,
  takenOf,
  type MemoryRoom,
} from './memory-room.ts'
import { forgottenBefore } from './retention.ts'
import {
  SourceUnavailable,
  StoreLost,
  type Batch,
  type Committed,
  type Draft,
  type Epoch,
  type HeldRoom,
  type Outcome,
  type RoomBatch,
  type Sent,
  type Store,
  type StoreRef,
  type Swept,
  type Taken,
  type Untaken,
} from './store.ts'

/** What outlives a MemoryStore, as a file outlives a process. */
export class MemoryDisk {
  readonly rooms = new Map<RoomId, MemoryRoom>()
  commitNo = 0
}

export interface MemoryStoreOptions {
  /** This server's id, written where its rooms were taken from. */
  self?: string
  disk?: MemoryDisk
  /** The disks a `from` may lead to, by server id. */
  disks?: ReadonlyMap<string, MemoryDisk>
  newLog?: () => LogId
  /** Entries a take-over copies in one step. */
  chunk?: number
}

/** The places between the steps of a take-over, as in take-over.ts: a process may end at any of them. */
export type TakeStep = 'chunk copied' | 'level' | 'fenced there' | 'rest copied'

/**
 * The Store in plain objects: for tests and simulated worlds. Each call is carried out at once, as one step; only a take-over
 * can also be taken step by step (`takeOver`), as the files of real servers are.
 */
export class MemoryStore implements Store {
  readonly #self: string
  readonly #disk: MemoryDisk
  readonly #disks: ReadonlyMap<string, MemoryDisk>
  readonly #newLog: () => LogId
  readonly #chunk: number
  #closed = false

  constructor(options: MemoryStoreOptions = {}) {
    this.#self = options.self ?? 'memory'
    this.#disk = options.disk ?? new MemoryDisk()
    this.#disks = options.disks ?? new Map()
    this.#newLog = options.newLog ?? randomUUID
    this.#chunk = options.chunk ?? Infinity
  }

  async take(
    room: RoomId,
    epoch: Epoch,
    from: readonly StoreRef[] = [],
    genesis?: Genesis,
  ): Promise<Taken | Untaken> {
    const steps = this.takeOver(room, epoch, from, genesis)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
    }
  }

  /**
   * The same a step at a time: others may append, and take, in between, and a crash leaves what stands on the disks then.
   * Until the last step the own row says that the room is elsewhere.
   */
  *takeOver(
    room: RoomId,
    epoch: Epoch,
    from: readonly StoreRef[] = [],
    genesis?: Genesis,
  ): Generator<TakeStep, Taken | Untaken> {
    this.#check()
    const own = this.#disk.rooms.get(room)
    if (own !== undefined && own.epoch > epoch) return isErased(own) ? 'erased' : 'fenced'
    const others = from.filter(({ id }) => id !== this.#self)
    if (own !== undefined && own.movedTo === undefined && (!own.isDoubted || others.length === 0)) {
      Object.assign(own, { epoch, term: epoch, isDoubted: false, genesis: own.genesis ?? genesis })
      return takenOf(own)
    }
    if (others.length === 0) {
      if (own !== undefined) return 'fenced'
      const made = { ...newRoom(epoch), log: this.#newLog(), term: epoch, genesis }
      this.#disk.rooms.set(room, made)
      return takenOf(made)
    }
    return yield* this.#takeFrom(room, epoch, others, genesis)
  }

  async append(batch: Batch): Promise<Committed> {
    this.#check()
    const before = this.#disk.rooms
    const rooms = batch.map((part) => {
      const room = before.get(part.room)
      if (room === undefined || room.epoch !== part.epoch || room.movedTo !== undefined) return 'fenced'
      return part.drafts.map((draft) => appendOne(room, part, draft))
    })
    if (rooms.some((outcomes) => outcomes !== 'fenced' && outcomes.some(({ is }) => is === 'new'))) {
      this.#disk.commitNo += 1
    }
    return { commitNo: this.#disk.commitNo, rooms }
  }

  async read(room: RoomId, side: { after: Seq } | { before: Seq }, limit: number): Promise<Entry[]> {
    this.#check()
    const { entries, floor } = this.#disk.rooms.get(room) ?? newRoom(0)
    if ('after' in side) {
      const start = Math.max(side.after, floor - 1)
      return entries.slice(start, start + limit)
    }
    const end = Math.min(Math.max(side.before - 1, 0), entries.length)
    return entries.slice(Math.max(end - limit, floor - 1), end)
  }

  async audit(room: RoomId, before: Seq = Infinity, limit: number): Promise<Entry[]> {
    this.#check()
    const record = (this.#disk.rooms.get(room)?.entries ?? []).filter(isOfRecord)
    return record
      .filter(({ seq }) => seq < before)
      .toReversed()
      .slice(0, limit)
  }

  async erase(room: RoomId): Promise<void> {
    this.#check()
    this.#erase(room)
  }

  #erase(room: RoomId): void {
    this.#disk.rooms.set(room, { ...newRoom(Number.MAX_SAFE_INTEGER), movedTo: 'erased' })
  }

  async forget(room: RoomId, beforeTs: number): Promise<Seq | 'fenced'> {
    this.#check()
    const own = this.#disk.rooms.get(room)
    if (own === undefined || own.movedTo !== undefined) return 'fenced'
    const first = own.entries.findIndex(({ ts }) => ts >= beforeTs)
    raiseFloor(own, first < 0 ? own.entries.length + 1 : first + 1)
    return own.floor
  }

  async sweep(now: number): Promise<Swept[]> {
    this.#check()
    const swept: Swept[] = []
    for (const [room, { movedTo, entries, floor: before }] of this.#disk.rooms) {
      const rests = entries.toReversed().map((entry) => (entry.type === 'system' ? restOf(entry) : null))
      const beforeTs = movedTo === undefined ? forgottenBefore(rests, now) : undefined
      const floor = beforeTs === undefined ? 'fenced' : await this.forget(room, beforeTs)
      if (floor !== 'fenced' && floor > before) swept.push({ room, floor })
    }
    return swept
  }

  async forgetName(userId: UserId): Promise<void> {
    this.#check()
    for (const room of this.#disk.rooms.values()) if (room.movedTo !== undefined) eraseName(room, userId)
  }

  async roomsOf(userId: UserId): Promise<RoomId[]> {
    this.#check()
    return this.#sentBy(userId).map(({ room }) => room)
  }

  async entriesOf(userId: UserId, after = '0', limit: number): Promise<Sent> {
    this.#check()
    const entries = this.#sentBy(userId).flatMap((one) => one.entries)
    const [from, to] = [Number(after), Number(after) + limit]
    const next = to < entries.length ? { next: `${to}` } : {}
    return { entries: entries.slice(from, to), isWhole: true, ...next }
  }

  #sentBy(userId: UserId): { room: RoomId; entries: Entry[] }[] {
    return [...this.#disk.rooms]
      .filter(([, { movedTo }]) => movedTo === undefined)
      .map(([room, { entries, floor }]) => {
        const kept = entries.filter((entry) => entry.seq >= floor || isOfRecord(entry))
        return { room, entries: kept.filter(({ user }) => user.id === userId) }
      })
      .filter(({ entries }) => entries.length > 0)
  }

  async held(): Promise<HeldRoom[]> {
    this.#check()
    return [...this.#disk.rooms]
      .filter(([, { movedTo, isDoubted }]) => movedTo === undefined && !isDoubted)
      .map(([room, { epoch, log, entries, genesis }]) => {
        return { room, epoch, log, head: entries.length, isWhole: true, ...(genesis && { genesis }) }
      })
  }

  async renewLogs(above: number): Promise<number> {
    this.#check()
    for (const room of this.#disk.rooms.values()) {
      if (room.log !== '') room.log = this.#newLog()
      room.isDoubted = true
    }
    this.#disk.commitNo = Math.max(this.#disk.commitNo, above)
    return this.#disk.commitNo
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  *#takeFrom(
    room: RoomId,
    epoch: Epoch,
    from: readonly StoreRef[],
    genesis: Genesis | undefined,
  ): Generator<TakeStep, Taken | Untaken> {
    const disks = from.map(({ id }) => {
      const disk = this.#disks.get(id)
      if (disk === undefined) throw new SourceUnavailable(`no disk of ${id}`)
      return disk
    })
    const known = new Set([this.#self, ...from.map(({ id }) => id)])
    const rows = disks.flatMap((disk) => disk.rooms.get(room) ?? [])
    if (rows.some(isErased)) return this.#erased(room)
    const own = this.#disk.rooms.get(room)
    const lastTerm = Math.max(own?.term ?? 0, ...rows.map(({ term }) => term))
    const standsAgainst = (row: MemoryRoom) => fences(row, { epoch, self: this.#self, known, lastTerm })
    if (rows.some(standsAgainst)) return 'fenced'
    const early = latest(rows)
    if (early !== undefined && early.entries.length > 0 && (own === undefined || isAhead(early, own))) {
      yield* this.#copy(room, early, from)
    }
    yield 'level'

    const fenced: MemoryRoom[] = []
    for (const disk of disks) {
      const row = disk.rooms.get(room) ?? newRoom(0)
      if (isErased(row)) return this.#erased(room)
      if (standsAgainst(row)) return 'fenced'
      disk.rooms.set(room, row)
      row.epoch = epoch
      row.movedTo = this.#self
      fenced.push(row)
      yield 'fenced there'
    }

    // The head is read only now: nothing can come behind it any more.
    const last = latest(fenced)!
    const copied = this.#disk.rooms.get(room)
    if (copied === undefined || isAhead(last, copied)) yield* this.#copy(room, last, from)
    yield 'rest copied'
    const row = this.#disk.rooms.get(room)!
    if (row.epoch > epoch) return isErased(row) ? 'erased' : 'fenced'
    const madeAs = last.genesis ?? row.genesis ?? genesis
    Object.assign(row, { epoch, term: epoch, isDoubted: false, movedTo: undefined, genesis: madeAs })
    if (row.log === '') row.log = this.#newLog()
    return takenOf(row)
  }

  /** Deleted elsewhere: what of it is here must not stay either. */
  #erased(room: RoomId): 'erased' {
    this.#erase(room)
    return 'erased'
  }

  /** Goes on behind what is here of that log; what is here of another one is void. */
  *#copy(room: RoomId, from: MemoryRoom, refs: readonly StoreRef[]): Generator<TakeStep, void> {
    let own = this.#disk.rooms.get(room)
    if (own !== undefined && isErased(own)) throw new SourceUnavailable(`${room} was deleted`)
    if (own === undefined || own.log !== from.log) {
      own = { ...newRoom(own?.epoch ?? 0), log: from.log, isDoubted: own?.isDoubted ?? false }
      this.#disk.rooms.set(room, own)
    }
    own.movedTo ??= refs[0]!.id
    raiseFloor(own, from.floor)
    while (own.entries.length < from.entries.length) {
      const at = own.entries.length
      const chunk = from.entries.slice(at, at + this.#chunk)
      for (const entry of chunk) {
        const key = keyOf(entry.user.id, entry.id)
        const send = from.sends.get(key)
        own.entries.push(entry)
        if (send !== undefined) own.sends.set(key, send)
      }
      for (const entry of chunk) if (isGoneEntry(entry)) eraseName(own, entry.user.id)
      yield 'chunk copied'
      if (this.#disk.rooms.get(room) !== own || own.movedTo === undefined) {
        throw new SourceUnavailable(`${room} was taken otherwise meanwhile`)
      }
    }
  }

  #check(): void {
    if (this.#closed) throw new StoreLost('the store is closed')
  }
}

/**
 * Whether a row in another store stands against `self` taking the room in `epoch`. `known`: the stores that are asked;
 * `lastTerm`: the last in which one of them was the home.
 */
function fences(
  row: MemoryRoom,
  {
    epoch,
    self,
    known,
    lastTerm,
  }: { epoch: Epoch; self: string; known: ReadonlySet<string>; lastTerm: Epoch },
): boolean {
  if (row.epoch > epoch) return true
  // Its own epoch again: only we ourselves can have raised that fence, on a way that was cut off.
  if (row.epoch === epoch) return row.movedTo !== self
  // Moved to a store nobody named: the content may be there, unless somebody who is asked was the home later and so had all of
  // it. Who was named as the home and never came to it still has such a row from long before.
  return row.movedTo !== undefined && !known.has(row.movedTo) && row.epoch > lastTerm
}

function latest(rows: readonly MemoryRoom[]): MemoryRoom | undefined {
  return rows.reduce<MemoryRoom | undefined>(
    (best, row) => (best === undefined || isAhead(row, best) ? row : best),
    undefined,
  )
}

/** Whether `row` has what `best` has, and more: it was the home later, or it is further on. */
function isAhead(row: MemoryRoom, best: MemoryRoom): boolean {
  if (row.term !== best.term) return row.term > best.term
  if (row.entries.length !== best.entries.length) return row.entries.length > best.entries.length
  return best.log === '' && row.log !== ''
}

function appendOne(room: MemoryRoom, part: RoomBatch, draft: Draft): Outcome {
  const text = draft.text ?? null
  const rest = restOf(draft)
  const content = JSON.stringify([draft.type, text, rest])
  const key = keyOf(draft.user.id, draft.id)
  const known = room.sends.get(key)
  if (known !== undefined) {
    const { seq, ts } = known.entry
    if (known.content === content) return { is: 'repeat', seq, ts }
    return { is: draft.onlyIfThere === true ? 'absent' : 'conflict' }
  }
  if (draft.onlyIfThere === true) return { is: 'absent' }
  if (draft.after !== undefined && !room.sends.has(keyOf(draft.user.id, draft.after))) {
    return { is: 'gap' }
  }
  if (draft.rule !== undefined) {
    const target = draft.target === undefined ? undefined : room.entries[draft.target - 1]
    if (target?.type !== 'message' || target.seq < room.floor) return { is: 'absent' }
    if (draft.rule === 'author' && target.user.id !== draft.user.id) return { is: 'forbidden' }
  }
  const seq = room.entries.length + 1
  const ts = Math.max(draft.ts, room.entries.at(-1)?.ts ?? 0)
  const { id, user, type } = draft
  const entry = entryOf(part.room, seq, id, user.id, user.name, type, ts, text, rest)
  room.entries.push(entry)
  room.sends.set(key, { entry, content })
  if (isGoneEntry(entry)) eraseName(room, user.id)
  return { is: 'new', seq, ts }
}
