import type { Placed } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { Bus, ServerId } from '../bus/bus.ts'
import type { Cancel, Clock } from '../clock.ts'
import type { Epoch, HeldRoom, Store, StoreRef, Taken } from '../store/store.ts'
import type { Directory } from './directory.ts'

/**
 * The search for the home of a room: in the own store, or where the balancer says. Where the balancer says "here", the room is
 * taken out of whatever stores held it; the search is over only when that stands.
 */

export type Found =
  /** This server is the home, and its store has taken the room; `isMoved`: out of the stores of others. */
  | { is: 'here'; epoch: Epoch; taken: Taken; isMoved: boolean }
  | { is: 'elsewhere'; home: ServerId; epoch: Epoch }
  | { is: 'no_such_room' }

export interface HomeSearchOptions {
  room: RoomId
  self: ServerId
  clock: Clock
  random: () => number
  bus: Bus
  store: Store
  directory: Directory
  /** Resolves when it is known, as far as it can be now, that the own store is no older than it was. */
  confirmed?: () => Promise<unknown>
  note: (event: string, detail: Record<string, unknown>) => void
  /** What this server is in the room now. */
  role: () => { epoch: Epoch; isHome: boolean }
  found: (found: Found) => void
}

/** What is known when a search begins. */
interface Known {
  /** This server's own store has the room. */
  held?: HeldRoom | undefined
  /** The home that could not be reached. */
  unreachable?: ServerId | undefined
}

const RETRY_MS = 300
const RETRY_MAX_MS = 5_000

/** One search at a time; goes on until it has found something. */
export class HomeSearch {
  readonly #options: HomeSearchOptions
  #again: Cancel | undefined
  /** Searches begun since the last that led to a home. */
  #tries = 0
  #isSearching = false
  #next: Known | undefined
  #isClosed = false
  #isDoubted = false

  constructor(options: HomeSearchOptions) {
    this.#options = options
  }

  /** The first search. `held`: the own store has the room. */
  begin(held: HeldRoom | undefined): void {
    void this.#search({ held })
  }

  /**
   * What the own store has may be less than what was acked: only beside what others have is it taken, as the directory says it. To
   * take it as it stands would end the doubt (Store, S9).
   */
  doubt(): void {
    this.#isDoubted = true
  }

  /** Searches anew: at once the first time, then later and later. */
  later(unreachable?: ServerId): void {
    if (this.#isClosed || this.#again !== undefined) return
    const { clock, random } = this.#options
    const longest = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** this.#tries)
    const ms = this.#tries === 0 ? 0 : longest * (0.5 + 0.5 * random())
    this.#tries += 1
    this.#again = clock.after(ms, () => {
      this.#again = undefined
      void this.#search({ unreachable })
    })
  }

  /** What was found is good: the next search begins at once. */
  succeeded(): void {
    this.#tries = 0
  }

  close(): void {
    this.#isClosed = true
    this.#again?.()
  }

  async #search(known: Known): Promise<void> {
    if (this.#isSearching) {
      this.#next = known
      return
    }
    this.#isSearching = true
    try {
      const isOver = await this.#searchOnce(known)
      if (!isOver) this.later(known.unreachable)
    } catch (cause) {
      this.#options.note('room not opened', { room: this.#options.room, cause })
      this.later()
    } finally {
      this.#isSearching = false
    }
    const next = this.#next
    this.#next = undefined
    if (next !== undefined) void this.#search(next)
  }

  /** @returns whether there is nothing left to search for */
  async #searchOnce({ held, unreachable }: Known): Promise<boolean> {
    const { room, store, directory, self, bus, confirmed, role } = this.#options
    if (held !== undefined) {
      await confirmed?.()
      const taken = this.#isDoubted ? 'fenced' : await store.take(room, held.epoch)
      if (typeof taken !== 'string') {
        this.#found({ is: 'here', epoch: held.epoch, taken, isMoved: false })
        return true
      }
    }
    const placed = await directory.place(room, unreachable === undefined ? {} : { unreachable })
    if (this.#isClosed) return true
    if (placed === 'unavailable') return false
    if (placed === 'no_such_room') {
      this.#found({ is: 'no_such_room' })
      return true
    }
    const { epoch, home, from, genesis } = placed
    if (epoch < role().epoch) return false // an answer from before the term this server already knows of
    if (home.id !== self) {
      bus.know(home)
      this.#found({ is: 'elsewhere', home: home.id, epoch })
      return true
    }
    if (role().isHome && role().epoch === epoch) return true
    const taken = await store.take(room, epoch, storeRefs(from), genesis)
    if (taken === 'fenced') return false
    if (taken === 'erased') {
      this.#found({ is: 'no_such_room' })
      return true
    }
    this.#found({ is: 'here', epoch, taken, isMoved: from.length > 0 })
    for (const { id } of from) bus.send(id, { t: 'taken', room, epoch })
    if (from.length > 0 && taken.isWhole) {
      const made = taken.genesis === undefined ? {} : { genesis: taken.genesis }
      directory.taken({ room, epoch, head: taken.head, ...made })
    }
    return true
  }

  #found(found: Found): void {
    if (this.#isClosed) return
    if (found.is === 'here') this.succeeded()
    this.#options.found(found)
  }
}

function storeRefs(from: Placed['from']): StoreRef[] {
  return from.map(({ id, dataDir = '', watermark = 0 }) => ({ id, dataDir, watermark }))
}
