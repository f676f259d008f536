import { MemoryStore, type MemoryDisk, type TakeStep } from '../../server/src/store/memory-store.ts'
import {
  StoreFull,
  StoreLost,
  type Batch,
  type Committed,
  type Epoch,
  type HeldRoom,
  type Sent,
  type Store,
  type StoreRef,
  type Swept,
  type Taken,
  type Untaken,
} from '../../server/src/store/store.ts'
import type { Entry, RoomId, Seq, UserId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import type { Process, World } from './world.ts'

/** Entries a take-over copies in one step: few enough that many take-overs have several. */
const CHUNK = 40

/**
 * A store whose calls take time, and whose process may crash or stand still in the middle of one: what was asked may then have
 * happened or not, and of a take-over any part. The disk under it outlives the process.
 */
export class SimStore implements Store {
  readonly #world: World
  readonly #process: Process
  readonly #store: MemoryStore
  /** The store is lost: its process is to end. */
  readonly #onLost: () => void
  readonly #onStep: () => void
  readonly #pending = new Set<() => void>()
  /** Set by a fault: the disk is full, or broken. */
  trouble: 'none' | 'full' | 'broken' = 'none'
  /** Takes under way, by room: the next one of a room waits, as in take-overs.ts. */
  readonly #takes = new Map<RoomId, { lastStep: TakeStep | 'none' }>()
  readonly #last = new Map<RoomId, Promise<unknown>>()

  constructor(
    world: World,
    process: Process,
    self: string,
    disks: ReadonlyMap<string, MemoryDisk>,
    events: { lost: () => void; stepTaken: () => void },
  ) {
    this.#world = world
    this.#onLost = events.lost
    this.#onStep = events.stepTaken
    this.#process = process
    const disk = disks.get(self)
    this.#store = new MemoryStore({
      self,
      disks,
      ...(disk === undefined ? {} : { disk }),
      chunk: CHUNK,
      newLog: () => `log-${Math.floor(world.random() * 1e9).toString(36)}`,
    })
  }

  take(room: RoomId, epoch: Epoch, from?: readonly StoreRef[], genesis?: Genesis): Promise<Taken | Untaken> {
    const before = this.#last.get(room) ?? Promise.resolve()
    const taken = before.then(() => this.#take(room, epoch, from, genesis))
    this.#last.set(
      room,
      taken.catch(() => {}), // the caller hears of it
    )
    return taken
  }

  /** A step at a time, between which anything may happen, also to the disks it takes from. */
  async #take(
    room: RoomId,
    epoch: Epoch,
    from?: readonly StoreRef[],
    genesis?: Genesis,
  ): Promise<Taken | Untaken> {
    const steps = this.#store.takeOver(room, epoch, from, genesis)
    const underway: { lastStep: TakeStep | 'none' } = { lastStep: 'none' }
    for (;;) {
      const step = await this.#io(1, 10, () => {
        this.#takes.delete(room)
        this.#check()
        const done = steps.next()
        if (done.done !== true) {
          underway.lastStep = done.value
          this.#takes.set(room, underway)
          this.#onStep()
        }
        return done
      })
      if (step.done === true) return step.value
    }
  }

  append(batch: Batch): Promise<Committed> {
    return this.#io(1, 20, () => {
      this.#check()
      return this.#store.append(batch)
    })
  }

  read(room: RoomId, side: { after: Seq } | { before: Seq }, limit: number): Promise<Entry[]> {
    return this.#io(0, 5, () => {
      if (this.trouble === 'broken') this.#check()
      return this.#store.read(room, side, limit)
    })
  }

  audit(room: RoomId, before: Seq | undefined, limit: number): Promise<Entry[]> {
    return this.#io(0, 5, () => this.#store.audit(room, before, limit))
  }

  erase(room: RoomId): Promise<void> {
    return this.#io(1, 20, () => {
      this.#check()
      return this.#store.erase(room)
    })
  }

  forget(room: RoomId, beforeTs: number): Promise<Seq | 'fenced'> {
    return this.#io(1, 20, () => {
      this.#check()
      return this.#store.forget(room, beforeTs)
    })
  }

  sweep(now: number): Promise<Swept[]> {
    return this.#io(1, 20, () => {
      this.#check()
      return this.#store.sweep(now)
    })
  }

  forgetName(userId: UserId): Promise<void> {
    return this.#io(1, 20, () => {
      this.#check()
      return this.#store.forgetName(userId)
    })
  }

  roomsOf(userId: UserId): Promise<RoomId[]> {
    return this.#io(0, 5, () => this.#store.roomsOf(userId))
  }

  entriesOf(userId: UserId, after: string | undefined, limit: number): Promise<Sent> {
    return this.#io(0, 5, () => this.#store.entriesOf(userId, after, limit))
  }

  held(): Promise<HeldRoom[]> {
    return this.#store.held()
  }

  renewLogs(above: number): Promise<number> {
    return this.#store.renewLogs(above)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  /** The process is no more: each call under way has reached the disk or has not. @returns where take-overs were cut off */
  crash(): TakeStep[] {
    for (const perform of [...this.#pending]) if (this.#world.chance(0.5)) perform()
    this.#pending.clear()
    return [...this.#takes.values()].flatMap(({ lastStep }) => (lastStep === 'none' ? [] : [lastStep]))
  }

  /** Nothing can be written to a full disk; a broken one loses the store. */
  #check(): void {
    if (this.trouble === 'full') throw new StoreFull('full')
    if (this.trouble === 'none') return
    this.#onLost()
    throw new StoreLost('broken')
  }

  #io<T>(minMs: number, maxMs: number, run: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let isDone = false
      const perform = () => {
        if (isDone) return
        isDone = true
        this.#pending.delete(perform)
        const result = new Promise<T>((given) => given(run()))
        result.then(
          (value) => this.#process.after(this.#world.between(0, 3), () => resolve(value)),
          (cause: Error) => this.#process.after(0, () => reject(cause)),
        )
      }
      this.#pending.add(perform)
      this.#process.after(this.#world.between(minMs, maxMs), perform)
    })
  }
}
