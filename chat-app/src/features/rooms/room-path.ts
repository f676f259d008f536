import type { RoomId } from '@flotilla/protocol/frames.ts'
import { GENERAL } from './rooms.ts'

/** A way into a private room, for whoever has it. */
export interface RoomLink {
  readonly room: RoomId
  /** It stands behind the `#`, which no server gets to see. */
  readonly secret: string
}

/** `/r/<roomId>`; everything else is `general`. */
export function roomOfPath(path: string): RoomId {
  const id = /^\/r\/([A-Za-z0-9_-]{1,64})\/?$/.exec(path)?.[1]
  return id ?? GENERAL
}

export function pathOfRoom(id: RoomId): string {
  return id === GENERAL ? '/' : `/r/${id}`
}

/** The address to hand on, whole. */
export function linkToRoom(id: RoomId): string {
  return new URL(`/r/${id}`, location.href).href
}

/** `/r/<roomId>#<secret>` */
export function linkIn({ pathname, hash }: { pathname: string; hash: string }): RoomLink | undefined {
  const room = roomOfPath(pathname)
  return room === GENERAL || hash.length < 2 ? undefined : { room, secret: hash.slice(1) }
}
