import type { React } from '@flotilla/protocol/frames.ts'
import type { Gateway, Handled } from './dispatch.ts'
import { carry } from './send.ts'
import type { Session } from './session.ts'

/** `react` → `ack` like a send: puts an emoji to a message, or takes it back. */
export function react(session: Session, frame: React, gateway: Gateway): Handled {
  const { target, emoji, on } = frame
  return carry(session, frame, gateway, { type: 'react', target, emoji, on })
}
