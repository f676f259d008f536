import { MemoryStore, type MemoryDisk } from '../../server/src/store/memory-store.ts'
import {
  StoreFull,
  StoreLost,
  type Batch,
  type Committed,
  type Epoch,
  type HeldRoom,
  type Store,
  type StoreRef,
  type Taken,
} from '../../server/src/store/store.ts'
import type { Entry, RoomId, Seq } from '@flotilla/protocol/frames.ts'
import type { Process, World } from './world.ts'

/**
 * A store whose calls take time, and whose process may crash or stand still in the middle of one: what was asked may then have
 * happened or not. The disk under it outlives the process.
 */
export class SimStore implements Store {
  readonly #world: World
  readonly #process: Process
  readonly #store: MemoryStore
  readonly #pending = new Set<() => void>()
  /** Set by a fault: the disk is full, or broken. */
  trouble: 'none' | 'full' | 'broken' = 'none'

  constructor(world: World, process: Process, self: string, disks: ReadonlyMap<string, MemoryDisk>) {
    this.#world = world
    this.#process = process
    const disk = disks.get(self)
    this.#store = new MemoryStore({
      self,
      disks,
      ...(disk === undefined ? {} : { disk }),
      newLog: () => `log-${Math.floor(world.random() * 1e9).toString(36)}`,
    })
  }

  take(room: RoomId, epoch: Epoch, from?: readonly StoreRef[]): Promise<Taken | 'fenced'> {
    return this.#io(2, 40, () => this.#store.take(room, epoch, from))
  }

  append(batch: Batch): Promise<Committed> {
    return this.#io(1, 20, () => {
      if (this.trouble === 'full') return Promise.reject(new StoreFull('full'))
      if (this.trouble === 'broken') return Promise.reject(new StoreLost('broken'))
      return this.#store.append(batch)
    })
  }

  read(room: RoomId, side: { after: Seq } | { before: Seq }, limit: number): Promise<Entry[]> {
    return this.#io(0, 5, () => this.#store.read(room, side, limit))
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

  /** The process is no more: each call under way has reached the disk or has not. */
  crash(): void {
    for (const perform of [...this.#pending]) if (this.#world.chance(0.5)) perform()
    this.#pending.clear()
  }

  #io<T>(minMs: number, maxMs: number, run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let isDone = false
      const perform = () => {
        if (isDone) return
        isDone = true
        this.#pending.delete(perform)
        const result = run()
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
