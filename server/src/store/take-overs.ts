import { setTimeout as wait } from 'node:timers/promises'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { COPY_CHUNK } from './room-copy.ts'
import type { SqliteWriter } from './sqlite-writer.ts'
import type { Epoch, StoreRef, Taken, Untaken } from './store.ts'
import { takeOver } from './take-over.ts'

/** Each holds a connection to every file it takes from. Those of further rooms wait. */
const AT_ONCE = 8
/** A locked file is tried again then, instead of waiting for it: appends would wait, too. */
const LOCKED_WAIT_MS = 20

/** Runs take-overs a step at a time between the appends, several rooms in turn, those of one room one after the other. */
export class TakeOvers {
  readonly #writer: SqliteWriter
  readonly #self: string
  readonly #tail: number
  readonly #stored: (rows: number) => void
  readonly #last = new Map<RoomId, Promise<unknown>>()
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(options: {
    writer: SqliteWriter
    self: string
    tail: number
    /** So many rows were stored. */
    stored: (rows: number) => void
  }) {
    this.#writer = options.writer
    this.#self = options.self
    this.#tail = options.tail
    this.#stored = options.stored
  }

  take(
    room: RoomId,
    epoch: Epoch,
    from: readonly StoreRef[],
    genesis: Genesis | undefined,
  ): Promise<Taken | Untaken> {
    const before = this.#last.get(room) ?? Promise.resolve()
    const taken = before.then(() => this.#take(room, epoch, from, genesis))
    const settled = taken
      .catch(() => undefined) // the caller hears of it
      .then(() => {
        if (this.#last.get(room) === settled) this.#last.delete(room)
      })
    this.#last.set(room, settled)
    return taken
  }

  /** Resolves when all that were asked for are done. */
  async settled(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values())
  }

  async #take(
    room: RoomId,
    epoch: Epoch,
    from: readonly StoreRef[],
    genesis: Genesis | undefined,
  ): Promise<Taken | Untaken> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running += 1
    try {
      const steps = takeOver(this.#writer, this.#self, room, epoch, from, { tail: this.#tail, genesis })
      for (;;) {
        const step = steps.next()
        if (step.done) return step.value
        if (step.value === 'chunk copied' || step.value === 'void deleted') this.#stored(COPY_CHUNK)
        // What came in meanwhile, appends above all, goes first.
        await (step.value === 'locked there' ? wait(LOCKED_WAIT_MS) : new Promise(setImmediate))
      }
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
