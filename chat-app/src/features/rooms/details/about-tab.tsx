import { wordsFor, type ApiProblem } from '@/balancer/api'
import { isGuest } from '@/components/guest'
import { Button } from '@/components/ui/button'
import { useTask } from '@/features/account/use-task'
import { durationWords } from '@/features/rooms/event-words'
import type { RoomDetailsProps } from '@/features/rooms/details/room-details-dialog'
import { longMoment } from '@/features/messages/dates'

const DAY_MS = 24 * 3_600_000

export function AboutTab({ room, rooms, me, onGone }: RoomDetailsProps) {
  const task = useTask()
  const role = room.membership
  const isMember = role !== undefined && role !== 'invited'
  const facts: [string, string | undefined][] = [
    ['Topic', room.topic],
    ['Who can come in', VISIBLE[room.visibility]],
    ['Made', longMoment(room.createdAt)],
    ['You are', role === undefined ? undefined : ROLES[role]],
    ['Slow mode', room.slowMs === undefined ? undefined : `one message each ${durationWords(room.slowMs)}`],
    [
      'Messages are kept',
      room.retentionDays === undefined ? 'for ever' : `for ${durationWords(room.retentionDays * DAY_MS)}`,
    ],
    ['State', room.archived === true ? 'archived: nobody can write' : undefined],
  ]
  const asTask = async (call: Promise<{ ok: true } | { ok: false; problem: ApiProblem }>) => {
    const answer = await call
    return answer.ok ? undefined : answer.problem
  }
  return (
    <>
      <dl className="space-y-3">
        {facts.map(
          ([title, words]) =>
            words !== undefined && (
              <div key={title}>
                <dt className="text-[0.8125rem] text-muted-foreground">{title}</dt>
                <dd className="text-sm break-words whitespace-pre-wrap">{words}</dd>
              </div>
            ),
        )}
      </dl>
      <p role="alert" className="mt-3 text-sm text-destructive empty:hidden">
        {task.problem && wordsFor(task.problem)}
      </p>
      {!isGuest(me) && room.visibility !== 'direct' && room.roomId !== 'general' && (
        <div className="mt-5">
          {!isMember && (
            <Button
              disabled={task.isBusy}
              onClick={() => void task.run(() => asTask(rooms.join(room.roomId)))}
            >
              Become a member
            </Button>
          )}
          {isMember && role !== 'owner' && (
            <Button
              variant="outline"
              disabled={task.isBusy}
              onClick={() => void task.run(() => asTask(rooms.leave(room.roomId)), onGone)}
            >
              Leave this room
            </Button>
          )}
          {role === 'owner' && (
            <p className="text-sm text-muted-foreground">
              It is yours: hand it to somebody else before you leave it.
            </p>
          )}
        </div>
      )}
    </>
  )
}

const VISIBLE = {
  public: 'Everybody',
  private: 'Only who is invited, or has a link',
  direct: 'The two of you',
} as const
const ROLES = {
  owner: 'the owner',
  moderator: 'a moderator',
  member: 'a member',
  invited: 'invited',
} as const
