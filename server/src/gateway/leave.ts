import type { Leave, RoomId } from '@flotilla/protocol/frames.ts'
import type { Handled } from './dispatch.ts'
import type { Session } from './session.ts'

/** `leave` → `left`, joined or not; nothing of the room comes after it. */
export function leave(session: Session, frame: Leave): Handled {
  leaveRoom(session, frame.room)
  session.answer({ type: 'left', ...(frame.ref === undefined ? {} : { ref: frame.ref }), room: frame.room })
  return undefined
}

export function leaveRoom(session: Session, room: RoomId): void {
  const joined = session.joined.get(room)
  if (joined === undefined) return
  session.joined.delete(room)
  joined.room.exit(joined.member)
}
