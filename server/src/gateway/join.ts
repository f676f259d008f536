import { refuse, type Refusal, type Result } from '@flotilla/protocol/errors.ts'
import type { Join, Joined, Seq } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Admitted } from '../rooms/entrance.ts'
import type { Room } from '../rooms/room.ts'
import type { Gateway, Handled } from './dispatch.ts'
import { leaveRoom } from './leave.ts'
import { ClientMember, type Session } from './session.ts'

/** `join` → `joined`, then the entries from `first` on. Again on the same connection: the stream starts anew. */
export function join(session: Session, frame: Join, gateway: Gateway): Handled {
  if (!session.joined.has(frame.room) && session.joined.size >= LIMITS.joinedRooms) {
    return refuse('forbidden', `A connection joins ${LIMITS.joinedRooms} rooms at most.`)
  }
  const retryMs = gateway.joinLimit?.take(session.user.id, gateway.now()) ?? 0
  if (retryMs > 0) return refuse('rate_limited', undefined, retryMs)
  const room = gateway.rooms.open(frame.room)
  const turn = gateway.arrivals?.turn()
  if (turn === undefined && room.isReady) return enterIfAdmitted(session, frame, room)
  return enterWhenReady(session, frame, room, turn)
}

async function enterWhenReady(
  session: Session,
  frame: Join,
  room: Room,
  turn: Promise<void> | undefined,
): Promise<Result<undefined> | undefined> {
  await turn
  return (await room.ready()) ?? enterIfAdmitted(session, frame, room)
}

/** The room's home decides; where that is elsewhere, it is asked, unless anybody may enter. */
function enterIfAdmitted(session: Session, frame: Join, room: Room): Handled {
  const admitted = room.admit(session.user)
  if (!(admitted instanceof Promise)) return enter(session, frame, room, admitted)
  return admitted.then((answer) =>
    answer.ok && !room.stillAdmits(session.user, answer)
      ? refuse('busy', undefined, 0)
      : enter(session, frame, room, answer),
  )
}

function enter(
  session: Session,
  frame: Join,
  room: Room,
  admitted: Admitted | Refusal,
): Result<undefined> | undefined {
  if (!admitted.ok) return admitted
  const { feed } = room
  if (feed === undefined || !session.isOpen) return refuse('busy')
  leaveRoom(session, frame.room)
  const { since, log } = frame
  const isOtherLog = log !== undefined && log !== feed.log
  const start = since === undefined || isOtherLog ? undefined : since
  const { head } = feed
  const first = Math.max(firstStreamed(start, head), feed.floor)
  const member = new ClientMember(session, frame.room, first - 1, admitted.at)
  session.joined.set(frame.room, { room, member, typedAt: 0 })
  room.enter(member, ({ members, count }) => {
    const joined: Omit<Joined, 'members'> = {
      type: 'joined',
      ...(frame.ref === undefined ? {} : { ref: frame.ref }),
      room: frame.room,
      log: feed.log,
      head,
      first,
      ...admitted.view,
      count,
    }
    session.answerLine(`${JSON.stringify(joined).slice(0, -1)},"members":${members}}`)
    if (isOtherLog) session.answer({ type: 'reset', room: frame.room, log: feed.log })
  })
  return undefined
}

function firstStreamed(since: Seq | undefined, head: Seq): Seq {
  if (since === undefined) return Math.max(1, head - LIMITS.joinEntries + 1)
  // Ahead of the head: another server told more than this edge has heard of yet. It comes again, and is known by its seq.
  return Math.max(Math.min(since, head), head - LIMITS.resumeEntries) + 1
}
