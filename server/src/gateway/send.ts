import { refuse } from '@flotilla/protocol/errors.ts'
import type { Delete, Edit, React, Send } from '@flotilla/protocol/frames.ts'
import type { CarriedSend } from '@flotilla/protocol/link.ts'
import type { Gateway, Handled } from './dispatch.ts'
import type { Session } from './session.ts'

/** `send` → `ack` once the entry is durable, or an `error`. */
export function send(session: Session, frame: Send, gateway: Gateway): Handled {
  const { text, replyTo } = frame
  return carry(session, frame, gateway, {
    type: 'message',
    text,
    ...(replyTo === undefined ? {} : { replyTo }),
  })
}

/** What becomes an entry goes to the room's home, which judges it. */
export function carry(
  session: Session,
  frame: Send | Edit | Delete | React,
  gateway: Gateway,
  what: Omit<CarriedSend, 'id' | 'user' | 'after'>,
): Handled {
  const joined = session.joined.get(frame.room)
  if (joined === undefined) return refuse('not_joined')
  const retryMs = gateway.rateLimit.take(session.user.id, gateway.now())
  if (retryMs > 0) return refuse('rate_limited', undefined, retryMs)
  const { ref, room, id, after } = frame
  session.sendBegins()
  joined.room.send(
    {
      id,
      user: session.user,
      ...what,
      ...(after === undefined ? {} : { after }),
    },
    (outcome) => {
      session.sendEnds()
      if (outcome.ok) {
        gateway.metrics.acks += 1
        const { seq, ts } = outcome
        session.answer({ type: 'ack', ...(ref === undefined ? {} : { ref }), room, id, seq, ts })
      } else session.refuse(frame, outcome)
    },
  )
  return undefined
}
