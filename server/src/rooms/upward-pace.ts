/**
 * How long a send waits at an edge for others that can go up to the home with it. A send that crosses the link alone wakes two more
 * processes and has a commit to itself, whatever the number of members: in a room of 1,000 at 200 sends/s a relayed delivery cost 1.38
 * times a local one, with up to 16 ms of waiting 1.07 to 1.16 (`npm run bench -- --only W5`). Entries of such rooms wait for each
 * other longer than that anyway; what it costs is that the sender is acked that much later. Other rooms' sends never wait.
 */
export class UpwardPace {
  /** Between two sends, lately. */
  #everyMs = SELDOM_MS
  #at = 0

  /**
   * To be asked for each send. In ms; 0: it goes at once, as nobody else is likely to come in time.
   * @param now ms since 1970
   * @param members of the room on all servers
   */
  waitMs(now: number, members: number): number {
    const sinceMs = Math.min(SELDOM_MS, Math.max(0, now - this.#at)) // somebody may set the clock back
    this.#everyMs = (this.#everyMs + sinceMs) / 2
    this.#at = now
    const mostMs = Math.min(MOST_MS, Math.floor((members * US_PER_MEMBER) / 1_000))
    return this.#everyMs < mostMs ? mostMs : 0
  }
}

const SELDOM_MS = 1_000
const US_PER_MEMBER = 16
const MOST_MS = 16
