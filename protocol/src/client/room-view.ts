import type { Entry, Joined, RoomView, Seq, SystemEntry, UserId } from '../frames.ts'

/** What a room is to its client: what `joined` said, and what has happened to the room since. */
export class ViewedRoom {
  #view: RoomView | undefined
  /** What happened up to here is in what `joined` said. */
  #at: Seq = 0

  get view(): RoomView | undefined {
    return this.#view
  }

  joined({ head, name, topic, visibility, role, archived, slowMs, mutedUntil }: Joined): void {
    this.#at = head
    this.#view = {
      ...(name === undefined ? {} : { name }),
      ...(topic === undefined ? {} : { topic }),
      visibility,
      ...(role === undefined ? {} : { role }),
      ...(archived === undefined ? {} : { archived }),
      ...(slowMs === undefined ? {} : { slowMs }),
      ...(mutedUntil === undefined ? {} : { mutedUntil }),
    }
  }

  fold(entries: readonly Entry[], me: UserId): void {
    for (const entry of entries) {
      if (this.#view === undefined || entry.type !== 'system' || entry.seq <= this.#at) continue
      this.#view = foldView(this.#view, entry, me)
    }
  }
}

/** What a room is to its client after something happened to it; the same object if nothing of it changed. */
export function foldView(view: RoomView, { event, data, user }: SystemEntry, me: UserId): RoomView {
  const of = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>
  const isMe = user.id === me
  const isOnMe = (of['user'] as { id?: unknown } | undefined)?.id === me
  switch (event) {
    case 'rename':
      return typeof of['name'] === 'string' ? { ...view, name: of['name'] } : view
    case 'topic': {
      const { topic: _, ...rest } = view
      return typeof of['topic'] === 'string' && of['topic'] !== '' ? { ...rest, topic: of['topic'] } : rest
    }
    case 'slow': {
      const { slowMs: _, ...rest } = view
      return typeof of['everyMs'] === 'number' && of['everyMs'] > 0
        ? { ...rest, slowMs: of['everyMs'] }
        : rest
    }
    case 'archive':
      return { ...view, archived: true }
    case 'unarchive': {
      const { archived: _, ...rest } = view
      return rest
    }
    case 'join':
      return isMe && view.role === undefined ? { ...view, role: 'member' } : view
    case 'leave':
      return isMe ? withoutRole(view) : view
    case 'remove':
    case 'ban':
      return isOnMe ? withoutRole(view) : view
    case 'mute':
      return isOnMe && typeof of['until'] === 'number' ? { ...view, mutedUntil: of['until'] } : view
    case 'unmute': {
      const { mutedUntil: _, ...rest } = view
      return isOnMe ? rest : view
    }
    case 'role':
      return isOnMe && (of['role'] === 'moderator' || of['role'] === 'member')
        ? { ...view, role: of['role'] }
        : view
    case 'owner':
      if (isOnMe) return { ...view, role: 'owner' }
      return view.role === 'owner' ? { ...view, role: 'moderator' } : view
    default:
      return view
  }
}

function withoutRole(view: RoomView): RoomView {
  const { role: _, ...rest } = view
  return rest
}
