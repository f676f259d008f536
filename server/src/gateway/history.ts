import { refuse } from '@flotilla/protocol/errors.ts'
import type { HistoryRequest } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Page } from '../rooms/relay.ts'
import type { Gateway, Handled } from './dispatch.ts'
import type { Session } from './session.ts'

/** `history` → a page of entries, ascending. The bytes of each are those it was first sent with. */
export function history(session: Session, frame: HistoryRequest, gateway: Gateway): Handled {
  const joined = session.joined.get(frame.room)
  if (joined === undefined) return refuse('not_joined')
  const { before, after } = frame
  if (before !== undefined && after !== undefined) {
    return refuse('bad_message', 'One of `before` and `after`, not both.')
  }
  const limit = Math.min(frame.limit ?? LIMITS.historyEntries, LIMITS.historyEntries)
  const side = after === undefined ? { before: before ?? Number.MAX_SAFE_INTEGER } : { after }
  session.readBegins()
  joined.room
    .read(side, limit, session.user.id)
    .then((page) => {
      if (page === undefined) session.refuse(frame, refuse('busy', 'The log cannot be read now.', 500))
      else session.answerLine(encode(frame, page))
    })
    .catch((cause: unknown) => {
      gateway.log.error({ err: cause, room: frame.room }, 'history failed')
      session.refuse(frame, refuse('busy', undefined, 500))
    })
    .finally(() => session.readEnds())
  return undefined
}

function encode(frame: HistoryRequest, { lines, done }: Page): string {
  const ref = frame.ref === undefined ? '' : `"ref":${JSON.stringify(frame.ref)},`
  return `{"type":"history",${ref}"room":"${frame.room}","entries":[${lines.join(',')}],"done":${done}}`
}
