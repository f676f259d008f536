import type { Edit } from '@flotilla/protocol/frames.ts'
import type { Gateway, Handled } from './dispatch.ts'
import { carry } from './send.ts'
import type { Session } from './session.ts'

/** `edit` → `ack` like a send: another text for a message one wrote. */
export function edit(session: Session, frame: Edit, gateway: Gateway): Handled {
  const { target, text } = frame
  return carry(session, frame, gateway, { type: 'edit', target, text })
}
