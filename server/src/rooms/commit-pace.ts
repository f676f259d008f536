/**
 * When the next commit may begin. A commit costs about 0.1 ms of CPU in its thread and as much again for waking that and this one,
 * whatever it holds (`npm run bench -- --only W3`), so what a send costs is decided by how many share one. Few sends commit at once,
 * each by itself, which is the soonest they can be acked. From one in two milliseconds on, commits keep 3 ms apart, and further
 * the more there is to do, up to 10 ms: at 1,000 sends/s in rooms of ten a delivery costs a quarter less for it, and an ack comes 2 ms later (p50).
 * Where all that wait are for large rooms, whose followers are not written to for a while anyway, that is how long they wait.
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
    if (this.#perMs <= FEW_PER_MS) return 0
    const unseenMs = Math.min(MOST_UNSEEN_MS, restMs - COMMIT_MS)
    const apartMs = Math.max(LEAST_APART_MS, Math.min(MOST_APART_MS, this.#perMs))
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

const FEW_PER_MS = 0.5
/** What a commit may take, and still be in time. */
const COMMIT_MS = 1
const LEAST_APART_MS = 3
const MOST_APART_MS = 10
/** Its sender waits for the ack all the same. */
const MOST_UNSEEN_MS = 4
