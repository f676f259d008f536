import type { ChatClient } from '@flotilla/protocol/client/client.ts'
import { Store } from '../../store.ts'
import { hostOf, tellStory, type Story } from './connection-story.ts'

/** How long "moved to …" is shown. */
const MOVED_MS = 8_000

/** The client's connection as a story to show. */
export class Line extends Store<Story> {
  readonly #client: ChatClient
  readonly #stop: AbortController = new AbortController()
  #lastServer: string | undefined
  #hasJustMoved = false
  #hasNoServer = false
  #movedTimer: ReturnType<typeof setTimeout> | undefined

  constructor(client: ChatClient) {
    super({ mood: 'busy', words: 'Connecting…' })
    this.#client = client
    const forget = client.subscribe(() => this.#update())
    const { signal } = this.#stop
    signal.addEventListener('abort', forget)
    // The wait between two tries was made for a line that is down; this one is up again.
    addEventListener('online', () => (client.retryNow(), this.#update()), { signal })
    addEventListener('offline', () => this.#update(), { signal })
    this.#update()
  }

  close(): void {
    this.#stop.abort()
    clearTimeout(this.#movedTimer)
  }

  /** What the balancer answered last to "which server?". */
  sawServerChoice(hasServer: boolean): void {
    this.#hasNoServer = !hasServer
    this.#update()
  }

  #update(): void {
    const { connection } = this.#client
    if (connection.status === 'live') this.#arrive(hostOf(connection.url))
    const story = tellStory({
      connection,
      lastServer: this.#lastServer,
      hasJustMoved: this.#hasJustMoved,
      isOnline: navigator.onLine,
      hasNoServer: this.#hasNoServer,
    })
    const shown = this.read()
    if (story.words !== shown.words || story.server !== shown.server || story.mood !== shown.mood)
      this.set(story)
  }

  #arrive(server: string): void {
    this.#hasNoServer = false
    if (this.#lastServer !== undefined && this.#lastServer !== server) {
      this.#hasJustMoved = true
      clearTimeout(this.#movedTimer)
      this.#movedTimer = setTimeout(() => {
        this.#hasJustMoved = false
        this.#update()
      }, MOVED_MS)
    }
    this.#lastServer = server
  }
}
