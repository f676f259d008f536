import type { RoomId } from '@flotilla/protocol/frames.ts'
import { pathOfRoom, roomOfPath } from './features/rooms/room-path.ts'
import { Store } from './store.ts'

export type Page = 'chat' | 'fleet'

export const FLEET_PATH = '/fleet'

/** What the address bar names: a page, and on that of the chat a room. Back and forward work. */
export class Address {
  readonly page = new Store<Page>(pageOfPath(location.pathname))
  /** The room shown, or the one to come back to from another page. */
  readonly room = new Store<RoomId>(roomOfPath(location.pathname))

  constructor() {
    addEventListener('popstate', () => this.#follow())
  }

  /** The secret of a link to join by, once. It stands behind the `#`, which no server gets to see. */
  takeLink(): string | undefined {
    const link = /^#([A-Za-z0-9_-]{32})$/.exec(location.hash)?.[1]
    if (link !== undefined) history.replaceState(null, '', location.pathname)
    return link
  }

  goToRoom(id: RoomId): void {
    this.#go(pathOfRoom(id))
  }

  goToFleet(): void {
    this.#go(FLEET_PATH)
  }

  #go(path: string): void {
    if (path !== location.pathname) history.pushState(null, '', path)
    this.#follow()
  }

  #follow(): void {
    const page = pageOfPath(location.pathname)
    if (page === 'chat') this.room.set(roomOfPath(location.pathname))
    this.page.set(page)
  }
}

/** Everything that is not the fleet page is the chat. */
export function pageOfPath(path: string): Page {
  return /^\/fleet\/?$/.test(path) ? 'fleet' : 'chat'
}
