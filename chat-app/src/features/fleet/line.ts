import type { ChatClient } from '@flotilla/protocol/client/client.ts'
import { Store } from '../../store.ts'
import { hostOf, tellStory, type Story } from './connection-story.ts'

/** How long "moved to …" is shown. */
const MOVED_MS = 8_000
/** Most moves to another server take less: they need no sentence, only a word. */
const LONG_MS = 2_500

/** The client's connection as a story to show. */
export class Line extends Store<Story> {
  readonly #client: ChatClient
  readonly #stop: AbortController = new AbortController()
  #lastServer: string | undefined
  #hasJustMoved = false
  #hasNoServer = false
  #isLong = false
  #movedTimer: ReturnType<typeof setTimeout> | undefined
  #longTimer: ReturnType<typeof setTimeout> | undefined

  constructor(client: ChatClient) {
    super({ mood: 'busy', words: 'Connecting…', isLong: false })
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
    clearTimeout(this.#longTimer)
  }

  /** What the balancer answered last to "which server?". */
  sawServerChoice(hasServer: boolean): void {
    this.#hasNoServer = !hasServer
    this.#update()
  }

  #update(): void {
    const { connection } = this.#client
    if (connection.status === 'live') this.#arrive(hostOf(connection.url))
    else
      this.#longTimer ??= setTimeout(() => {
        this.#isLong = true
        this.#update()
      }, LONG_MS)
    const story = tellStory({
      connection,
      lastServer: this.#lastServer,
      hasJustMoved: this.#hasJustMoved,
      isLong: this.#isLong,
      isOnline: navigator.onLine,
      hasNoServer: this.#hasNoServer,
    })
    const shown = this.read()
    const keys = ['words', 'server', 'mood', 'isLong'] as const
    if (keys.some((key) => story[key] !== shown[key])) this.set(story)
  }

  #arrive(server: string): void {
    this.#hasNoServer = false
    this.#isLong = false
    clearTimeout(this.#longTimer)
    this.#longTimer = undefined
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
