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
    .read(side, limit)
    .then((page) => {
      if (page === undefined) session.refuse(frame, refuse('busy', 'The log cannot be read now.', 500))
      else session.answerLine(encode(frame, fit(page, 'before' in side ? 'last' : 'first')))
    })
    .catch((cause: unknown) => {
      gateway.log.error({ err: cause, room: frame.room }, 'history failed')
      session.refuse(frame, refuse('busy', undefined, 500))
    })
    .finally(() => session.readEnds())
  return undefined
}

/** As many of the entries nearest to where was asked as an answer holds, but at least one. */
function fit(page: Page, keep: 'first' | 'last'): Page {
  const lines = keep === 'first' ? page.lines : page.lines.toReversed()
  let bytes = 0
  let count = 0
  for (const line of lines) {
    if (count > 0 && bytes + line.length > LIMITS.historyBytes) break
    bytes += line.length
    count += 1
  }
  if (count === lines.length) return page
  const kept = lines.slice(0, count)
  return { lines: keep === 'first' ? kept : kept.toReversed(), done: false }
}

function encode(frame: HistoryRequest, { lines, done }: Page): string {
  const ref = frame.ref === undefined ? '' : `"ref":${JSON.stringify(frame.ref)},`
  return `{"type":"history",${ref}"room":"${frame.room}","entries":[${lines.join(',')}],"done":${done}}`
}
