import type { Delete } from '@flotilla/protocol/frames.ts'
import type { Gateway, Handled } from './dispatch.ts'
import { carry } from './send.ts'
import type { Session } from './session.ts'

/** `delete` → `ack` like a send: of a message one wrote, or of anybody's for those who keep order in the room. */
export function deleteMessage(session: Session, frame: Delete, gateway: Gateway): Handled {
  return carry(session, frame, gateway, { type: 'delete', target: frame.target })
}
