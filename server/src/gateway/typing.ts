import { refuse } from '@flotilla/protocol/errors.ts'
import type { Typing } from '@flotilla/protocol/frames.ts'
import type { Gateway, Handled } from './dispatch.ts'
import type { Session } from './session.ts'

/** More often than this, somebody who types is not passed on. */
const TYPING_EVERY_MS = 1_000

/** `typing` is passed on to the others and not answered. */
export function typing(session: Session, frame: Typing, gateway: Gateway): Handled {
  const joined = session.joined.get(frame.room)
  if (joined === undefined) return refuse('not_joined')
  const now = gateway.now()
  if (now - joined.typedAt < TYPING_EVERY_MS) return undefined
  joined.typedAt = now
  joined.room.typing(session.user)
  return undefined
}
