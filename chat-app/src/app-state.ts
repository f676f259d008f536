import { platformClock } from '@flotilla/protocol/client/clock.ts'
import type { ServerRow } from '@flotilla/protocol/control.ts'
import { Address } from './address.ts'
import { BalancerApi } from './balancer/api.ts'
import { Chat } from './chat.ts'
import { FleetWatch } from './features/fleet/fleet-watch.ts'
import { Session } from './features/sign-in/session.ts'
import { ThemeChoice } from './features/theme/theme.ts'
import { Store } from './store.ts'

/** What outlives every component: who is here, at which address, the fleet as far as one looks, and, once in, the chat. */
export class AppState {
  readonly session: Session
  readonly theme: ThemeChoice
  readonly address = new Address()
  readonly fleet: FleetWatch
  readonly chat = new Store<Chat | undefined>(undefined)
  readonly #api = new BalancerApi((input, init) => fetch(input, init))

  constructor() {
    const storage = usableStorage()
    this.fleet = new FleetWatch({
      servers: () => this.#api.get<ServerRow[]>('/servers'),
      events: () => new EventSource('/events'),
      clock: platformClock,
      random: Math.random,
    })
    this.theme = new ThemeChoice(storage)
    this.session = new Session({
      api: this.#api,
      storage,
      now: () => Date.now(),
      alone: oneTabAtATime,
    })
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
    if (chat && state.status === 'in' && chat.me.name !== state.user.name) return this.reconnect()
    if (state.status === 'in' && !chat) {
      this.chat.set(
        new Chat({
          user: state.user,
          session: this.session,
          api: this.#api,
          room: this.address.room,
        }),
      )
    } else if (state.status !== 'in' && chat) {
      chat.close()
      this.chat.set(undefined)
    }
  }
}

/** A refresh cookie that two tabs used at once would count as stolen. Browsers without locks have one tab at a time to lose. */
async function oneTabAtATime<T>(work: () => Promise<T>): Promise<T> {
  const locks = (navigator as { locks?: LockManager }).locks
  return locks === undefined ? work() : locks.request('flotilla.session', work)
}

/** Browsers that forbid storage throw on the mere mention of it. */
function usableStorage(): Storage | undefined {
  try {
    return window.localStorage
  } catch {
    return undefined
  }
}
