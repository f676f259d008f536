/**
 * When a room's new entries go out. One write costs 6 to 9 µs of CPU, hardly more for sixty entries than for one (`npm run bench --
 * --only W1`), most of it in the kernel: what a delivery costs is decided by how many share a write. Every room flushes on its own clock:
 *
 * - An entry after a pause goes out at once, in any room.
 * - Two flushes are `restMs` apart at least, 40 µs for each member, so that no room takes more than a quarter of a core with
 *   its writes. In a room of 1,000 that is 40 ms: at 800 sends/s 32 entries share a write, at 1,600/s 64, and with a flush of 9 ms
 *   all are to have them within 50 ms. A room of ten is never held back.
 * - A dozen entries are enough for a write: fewer wait for more to come, as long as the last ones' pace says that there will be one
 *   in time, `gatherMs` at most: 60 ms in a room of 1,000. At 25 sends/s two share a write (40 ms for the first), at 200/s a dozen.
 * - Under pressure, when a flush takes longer than it should, the rest is twice as long as the last flush took: there is time to
 *   read, to commit and to answer in between, and the next writes hold more.
 */
export class FlushPace {
  #flushedAt = 0
  #tookMs = 0
  /** Entries per ms, lately. */
  #perMs = 0
  /** Since when the oldest entry waits that has not gone out. */
  #since: number | undefined

  /**
   * When what waits should go out, in ms since 1970; in the past: now. To be asked whenever entries have come.
   * @param now ms since 1970
   * @param entries that wait
   * @param members of the room on all servers: a spread room keeps the pace of a whole one
   * @param areGathered they waited for each other elsewhere: a relay that let them wait again would make it twice as long
   * @param pressedMs how long entries of any room may wait for more, as this process has too much to do
   */
  due(now: number, entries: number, members: number, areGathered = false, pressedMs = 0): number {
    this.#since ??= now
    const restMs = Math.max(restMsOf(members), Math.min(MOST_PRESSED_MS, 2 * this.#tookMs))
    // Whoever gathers elsewhere may be a little early this time and a little late the next.
    const rested = this.#flushedAt + (areGathered ? restMs / 2 : restMs)
    // Never longer than the rest, even if somebody set the clock back.
    const due = Math.min(rested, now + restMs)
    if (areGathered || entries >= ENOUGH_ENTRIES) return due
    const latest = Math.min(this.#since, now) + Math.max(pressedMs, gatherMsOf(members))
    const isMoreToCome = now + 1 / this.#perMs <= latest
    return isMoreToCome ? Math.max(due, latest) : due
  }

  /** `entries` went out, from `startedAt` to `endedAt`. */
  flushed(startedAt: number, endedAt: number, entries: number): void {
    // Half of what was known, half of what came since: enough to tell a busy room from a quiet one.
    this.#perMs = (this.#perMs + entries / Math.max(1, startedAt - this.#flushedAt)) / 2
    this.#flushedAt = startedAt
    this.#tookMs = Math.max(0, endedAt - startedAt)
    this.#since = undefined
  }
}

const REST_US_PER_MEMBER = 40
const MOST_REST_MS = 60
const MOST_GATHER_MS = 60
const MOST_PRESSED_MS = 250
const ENOUGH_ENTRIES = 12

function restMsOf(members: number): number {
  return Math.min(MOST_REST_MS, (members * REST_US_PER_MEMBER) / 1_000)
}

function gatherMsOf(members: number): number {
  return Math.min(MOST_GATHER_MS, 2 * restMsOf(members))
}
