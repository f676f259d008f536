import { refuse, type Result } from '@flotilla/protocol/errors.ts'
import type { Join, Joined, Seq } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import type { Room } from '../rooms/room.ts'
import type { Gateway, Handled } from './dispatch.ts'
import { leaveRoom } from './leave.ts'
import { ClientMember, type Session } from './session.ts'

/** `join` → `joined`, then the entries from `first` on. Again on the same connection: the stream starts anew. */
export function join(session: Session, frame: Join, gateway: Gateway): Handled {
  if (!session.joined.has(frame.room) && session.joined.size >= LIMITS.joinedRooms) {
    return refuse('forbidden', `A connection joins ${LIMITS.joinedRooms} rooms at most.`)
  }
  const room = gateway.rooms.open(frame.room)
  return room.isReady ? enter(session, frame, room) : enterWhenReady(session, frame, room)
}

async function enterWhenReady(
  session: Session,
  frame: Join,
  room: Room,
): Promise<Result<undefined> | undefined> {
  return (await room.ready()) ?? enter(session, frame, room)
}

function enter(session: Session, frame: Join, room: Room): Result<undefined> | undefined {
  const { feed } = room
  if (feed === undefined || !session.isOpen) return refuse('busy')
  leaveRoom(session, frame.room)
  const { since, log } = frame
  const isOtherLog = log !== undefined && log !== feed.log
  const start = since === undefined || isOtherLog ? undefined : since
  const { head } = feed
  const first = firstStreamed(start, head)
  const member = new ClientMember(session, frame.room, first - 1)
  session.joined.set(frame.room, { room, member, typedAt: 0 })
  room.enter(member, ({ members, count }) => {
    const joined: Omit<Joined, 'members'> = {
      type: 'joined',
      ...(frame.ref === undefined ? {} : { ref: frame.ref }),
      room: frame.room,
      log: feed.log,
      head,
      first,
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
