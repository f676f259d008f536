import { BalancerApi } from './balancer/api.ts'
import { Chat } from './chat.ts'
import { RoomPath } from './features/rooms/room-path.ts'
import { Session } from './features/sign-in/session.ts'
import { ThemeChoice } from './features/theme/theme.ts'
import { Store } from './store.ts'

/** What outlives every component: who is here, in which room, and, once in, the chat. */
export class AppState {
  readonly session: Session
  readonly theme: ThemeChoice
  readonly path = new RoomPath()
  readonly chat = new Store<Chat | undefined>(undefined)
  readonly #api = new BalancerApi((input, init) => fetch(input, init))

  constructor() {
    const storage = usableStorage()
    this.theme = new ThemeChoice(storage)
    this.session = new Session({ api: this.#api, storage, now: () => Date.now() })
    this.session.subscribe(() => this.#follow())
    void this.session.resume()
  }

  /** A new chat for the same person, after a connection that ended for good. */
  reconnect(): void {
    this.chat.read()?.close()
    this.chat.set(undefined)
    this.#follow()
  }

  #follow(): void {
    const state = this.session.read()
    const chat = this.chat.read()
    if (state.status === 'in' && !chat)
      this.chat.set(new Chat({ user: state.user, session: this.session, api: this.#api, path: this.path }))
    else if (state.status !== 'in' && chat) {
      chat.close()
      this.chat.set(undefined)
    }
  }
}

/** Browsers that forbid storage throw on the mere mention of it. */
function usableStorage(): Storage | undefined {
  try {
    return window.localStorage
  } catch {
    return undefined
  }
}
