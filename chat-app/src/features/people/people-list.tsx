import { type ComponentProps, useMemo } from 'react'
import type { User } from '@flotilla/protocol/frames.ts'
import { Avatar, GuestMark } from '@/components/person'
import { Badge } from '@/components/ui/badge'
import { cn } from '@/lib/utils'

type PeopleListProps = ComponentProps<'section'> & {
  members: readonly User[]
  /** How many are here; more than `members` in a large room. */
  count: number
  me: User
  /** The line is down: who was here last, not who is here. */
  isStale: boolean
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })
/** The rest of a crowd is a number: nobody reads a thousand names. */
const MAX_SHOWN = 200

export function PeopleList({ members, count, me, isStale, className, ...props }: PeopleListProps) {
  const people = useMemo(
    () =>
      [...members]
        .sort((one, other) =>
          one.id === me.id ? -1 : other.id === me.id ? 1 : byName.compare(one.name, other.name),
        )
        .slice(0, MAX_SHOWN),
    [members, me.id],
  )
  const others = count - people.length
  return (
    <section
      aria-label="People here"
      data-stale={isStale || undefined}
      className={cn('group flex min-h-0 flex-col', className)}
      {...props}
    >
      <h2 className="flex items-center gap-2 px-4 pt-5 pb-2 text-[0.8125rem] font-semibold">
        Here now <Badge data-testid="people-count">{count}</Badge>
      </h2>
      <ul className="quiet-scroll min-h-0 flex-1 overflow-y-auto px-2 pb-4" tabIndex={-1}>
        {people.map((user) => (
          <li key={user.id} className="flex items-center gap-2.5 rounded-md px-2 py-1.5">
            <span className="relative">
              <Avatar user={user} className="size-7 text-[0.6875rem]" />
              <span
                aria-hidden
                className="absolute -right-0.5 -bottom-0.5 size-2.5 rounded-full border-2 border-canvas bg-live transition-colors duration-500 group-data-stale:bg-muted-foreground"
              />
            </span>
            <span className="min-w-0 truncate text-sm">{user.name}</span>
            {user.id === me.id ? (
              <span className="text-[0.6875rem] text-muted-foreground">you</span>
            ) : (
              <GuestMark user={user} />
            )}
          </li>
        ))}
        {others > 0 && (
          <li className="px-2 py-2 text-[0.8125rem] text-muted-foreground">and {others} more</li>
        )}
      </ul>
    </section>
  )
}
