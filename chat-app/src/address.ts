import type { RoomId } from '@flotilla/protocol/frames.ts'
import { linkIn, pathOfRoom, roomOfPath, type RoomLink } from './features/rooms/room-path.ts'
import { GENERAL } from './features/rooms/rooms.ts'
import { Store } from './store.ts'

export type Page = 'chat' | 'fleet'

export const FLEET_PATH = '/fleet'

/** What the address bar names: a page, and on that of the chat a room. Back and forward work. */
export class Address {
  readonly page = new Store<Page>(pageOfPath(location.pathname))
  /** A link that was opened and not answered yet; until then it stays in the address bar, and nobody goes where it leads. */
  readonly link = new Store<RoomLink | undefined>(linkIn(location))
  /** The room shown, or the one to come back to from another page. */
  readonly room = new Store<RoomId>(this.link.read() === undefined ? roomOfPath(location.pathname) : GENERAL)

  constructor() {
    addEventListener('popstate', () => this.#follow())
  }

  /** The link was followed, or not: it is forgotten, and the room shown is this one. */
  settleLink(id: RoomId): void {
    history.replaceState(null, '', pathOfRoom(id))
    this.#follow()
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
    const link = linkIn(location)
    if (page === 'chat' && link === undefined) this.room.set(roomOfPath(location.pathname))
    this.link.set(link)
    this.page.set(page)
  }
}

/** Everything that is not the fleet page is the chat. */
export function pageOfPath(path: string): Page {
  return /^\/fleet\/?$/.test(path) ? 'fleet' : 'chat'
}
