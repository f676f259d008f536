import type { PendingSend } from '@flotilla/protocol/client/client.ts'
import type { UserId } from '@flotilla/protocol/frames.ts'
import type { OwnSend } from './rows.ts'
import type { Timeline } from './timeline.ts'

/**
 * One's own sends as they are shown below the log. The client forgets a send with its ack, and the entry may come a
 * moment later: until then it stays as `sent`, or it would vanish and reappear. `own` is what was shown last,
 * `before` and `pending` what the client held then and holds now; `now` stamps new ones (ms since 1970).
 */
export function settle(
  own: readonly OwnSend[],
  before: readonly PendingSend[],
  pending: readonly PendingSend[],
  timeline: Timeline,
  me: UserId,
  now: number,
): readonly OwnSend[] {
  if (own.length === 0 && pending.length === 0) return own
  const shown = new Map(own.map((send) => [send.id, send]))
  const held = new Set(pending.map(({ id }) => id))
  const wasHeld = new Set(before.map(({ id }) => id))
  const arrived = new Set<string>()
  // Only the newest entries can be those awaited; the whole log would be read at each key.
  for (const message of timeline.messages.slice(-LOOK_BACK))
    if (message.user.id === me) arrived.add(message.id)

  const sent = own
    .filter(({ id, state }) => !held.has(id) && (wasHeld.has(id) || state === 'sent') && !arrived.has(id))
    .map((send) =>
      send.state === 'sent' ? send : { id: send.id, text: send.text, at: send.at, state: 'sent' as const },
    )
  const unsent = pending
    .filter(({ id }) => !arrived.has(id))
    .map((send) => {
      const known = shown.get(send.id)
      if (known?.state === send.state && known.code === send.code) return known
      const { id, text, state, code } = send
      return { id, text, state, at: known?.at ?? now, ...(code === undefined ? {} : { code }) }
    })
  const next = [...sent, ...unsent]
  return next.length === own.length && next.every((send, index) => send === own[index]) ? own : next
}

const LOOK_BACK = 1_000
