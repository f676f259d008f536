import type { RoomId } from '@flotilla/protocol/frames.ts'
import { Store } from '../../store.ts'
import { GENERAL } from './rooms.ts'

/** `/r/<roomId>`; everything else is `general`. */
export function roomOfPath(path: string): RoomId {
  const id = /^\/r\/([A-Za-z0-9_-]{1,64})\/?$/.exec(path)?.[1]
  return id ?? GENERAL
}

export function pathOfRoom(id: RoomId): string {
  return id === GENERAL ? '/' : `/r/${id}`
}

/** Which room the address bar names; back and forward work. */
export class RoomPath extends Store<RoomId> {
  constructor() {
    super(roomOfPath(location.pathname))
    addEventListener('popstate', () => this.set(roomOfPath(location.pathname)))
  }

  go(id: RoomId): void {
    if (id === this.read()) return
    history.pushState(null, '', pathOfRoom(id))
    this.set(id)
  }
}

/** The address to hand on, whole. */
export function linkToRoom(id: RoomId): string {
  return new URL(`/r/${id}`, location.href).href
}
