import { wordsFor } from '@/balancer/api'
import { Button } from '@/components/ui/button'
import type { Account, SignedIn } from '@/features/account/account'
import { agentName } from '@/features/account/agent-name'
import { useTask } from '@/features/account/use-task'
import { dateAndTime, dayName, timeOfDay } from '@/features/messages/dates'

/** Where this account is signed in, the one here first. Each can be ended, or all the others at once. */
export function SessionList({ account, sessions }: { account: Account; sessions: readonly SignedIn[] }) {
  const task = useTask()
  const inOrder = [...sessions].sort((one, other) =>
    one.current ? -1 : other.current ? 1 : other.usedAt - one.usedAt,
  )
  return (
    <>
      <ul>
        {inOrder.map((session) => (
          <li key={session.id} className="flex items-center gap-3 py-1">
            <div className="min-w-0 flex-1 leading-tight">
              <p className="truncate text-sm" title={session.agent}>
                {agentName(session.agent)}
              </p>
              <p className="text-[0.8125rem] text-muted-foreground" title={dateAndTime(session.usedAt)}>
                {session.current ? 'This browser' : `Last seen ${lastSeen(session.usedAt)}`}
              </p>
            </div>
            {!session.current && (
              <Button
                variant="ghost"
                size="sm"
                disabled={task.isBusy}
                onClick={() => void task.run(() => account.endSession(session.id))}
              >
                Sign out
              </Button>
            )}
          </li>
        ))}
      </ul>
      <p role="alert" className="text-sm text-destructive empty:hidden">
        {task.problem && wordsFor(task.problem)}
      </p>
      {sessions.length > 1 && (
        <Button
          variant="outline"
          size="sm"
          className="mt-2"
          disabled={task.isBusy}
          onClick={() => void task.run(() => account.endOtherSessions())}
        >
          Sign out everywhere else
        </Button>
      )}
    </>
  )
}

function lastSeen(ts: number): string {
  const day = dayName(ts, Date.now())
  return day === 'Today' ? `at ${timeOfDay(ts)}` : day === 'Yesterday' ? 'yesterday' : `on ${day}`
}
