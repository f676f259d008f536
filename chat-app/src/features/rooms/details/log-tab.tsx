import { useEffect, useState, type ReactNode } from 'react'
import type { AuditPage } from '@flotilla/protocol/rooms-api.ts'
import { wordsFor, type ApiProblem } from '@/balancer/api'
import { dateAndTime, shortMoment } from '@/features/messages/dates'
import { useToday } from '@/features/messages/use-today'
import type { RoomDetailsProps } from '@/features/rooms/details/room-details-dialog'
import { eventWords } from '@/features/rooms/event-words'
import { useStore } from '@/use-store'

/** What was reported, and what was done by whom: for those who keep the room. */
export function LogTab({ office }: RoomDetailsProps) {
  const { audit, reports } = useStore(office)
  const today = useToday()
  const [problem, setProblem] = useState<ApiProblem>()
  useEffect(() => void office.lookAtLog().then(setProblem), [office])
  return (
    <div className="space-y-6">
      <p role="alert" className="text-sm text-destructive empty:hidden">
        {problem && wordsFor(problem)}
      </p>
      <Group title="Reports" isEmpty={reports.length === 0} empty="Nobody has reported anything.">
        {reports.map(({ id, seq, by, reason, at, context }) => (
          <li key={id} className="rounded-lg border bg-background p-3 text-sm">
            <p className="font-medium break-words">{reason}</p>
            <p className="text-[0.8125rem] text-muted-foreground">
              {by.name}, {dateAndTime(at)}
            </p>
            <ul className="mt-2 space-y-0.5 border-l-2 pl-2.5 text-[0.8125rem]">
              {context.map((entry) => (
                <li
                  key={entry.seq}
                  data-reported={entry.seq === seq || undefined}
                  className="break-words data-reported:font-semibold"
                >
                  {entry.user.name}: {typeof entry['text'] === 'string' ? entry['text'] : `(${entry.type})`}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </Group>
      <Group title="What was done" isEmpty={audit.length === 0} empty="Nothing yet.">
        {audit.map((entry) => (
          <li key={entry.seq} className="flex gap-3 text-sm">
            <time
              dateTime={new Date(entry.ts).toISOString()}
              title={dateAndTime(entry.ts)}
              className="w-[4.75rem] shrink-0 whitespace-nowrap text-muted-foreground tabular-nums"
            >
              {shortMoment(entry.ts, today)}
            </time>
            <span className="min-w-0 break-words">{auditWords(entry)}</span>
          </li>
        ))}
      </Group>
    </div>
  )
}

function auditWords(entry: AuditPage['entries'][number]): string {
  if (entry.type === 'delete') return `${entry.user.name} deleted message ${String(entry['target'])}`
  const words = eventWords({ event: String(entry['event']), data: entry['data'], user: entry.user })
  return words ?? `${entry.user.name}: ${String(entry['event'])}`
}

interface GroupProps {
  title: string
  isEmpty: boolean
  empty: string
  children: ReactNode
}

function Group({ title, isEmpty, empty, children }: GroupProps) {
  return (
    <section>
      <h3 className="mb-2 text-[0.8125rem] font-semibold">{title}</h3>
      {isEmpty ? (
        <p className="text-sm text-muted-foreground">{empty}</p>
      ) : (
        <ul className="space-y-2">{children}</ul>
      )}
    </section>
  )
}
