/**
 * When the next commit may begin. A commit costs about 0.1 ms of CPU whatever it holds (`npm run bench -- --only W2`), so what a send
 * costs is decided by how many share one. Few sends commit at once, each by itself, which is the soonest they can be
 * acked. From two in a millisecond on, commits keep apart from each other, the further the more there is to do: at 4,000 sends/s
 * 4 ms, so that 16 share one, and a delivery in rooms of ten costs 14 µs where with 1 ms it was 19. Where all that wait are for
 * large rooms, whose followers are not written to for a while anyway, fewer are enough to wait for.
 */
export class CommitPace {
  #beganAt = 0
  #countedAt = 0
  #drafts = 0
  /** Drafts per ms, lately. */
  #perMs = 0

  /**
   * How long the next commit is to wait, in ms; below 1: not at all.
   * @param now ms since 1970
   * @param restMs how long nobody would see anything of it
   */
  waitMs(now: number, restMs = 0): number {
    if (this.#perMs <= FEWER_PER_MS) return 0
    const unseenMs = Math.min(MOST_UNSEEN_MS, restMs - COMMIT_MS)
    const apartMs = this.#perMs <= FEW_PER_MS ? 0 : Math.min(MOST_APART_MS, this.#perMs)
    // Never longer than that, even if somebody set the clock back.
    return Math.max(unseenMs, Math.min(apartMs, this.#beganAt + apartMs - now))
  }

  /** A commit of `drafts` begins. */
  begins(now: number, drafts: number): void {
    this.#beganAt = now
    this.#drafts += drafts
    const passedMs = now - this.#countedAt
    if (passedMs === 0) return // several within one tick of the clock count together
    // Half of what was known, half of what came since: enough to tell a rush from a lull.
    this.#perMs = (this.#perMs + this.#drafts / Math.max(1, passedMs)) / 2
    this.#countedAt = now
    this.#drafts = 0
  }
}

const FEW_PER_MS = 2
const FEWER_PER_MS = 0.5
/** What a commit may take, and still be in time. */
const COMMIT_MS = 1
const MOST_APART_MS = 10
/** Its sender waits for the ack all the same. */
const MOST_UNSEEN_MS = 4
