import {
  CircleCheckIcon,
  CircleMinusIcon,
  CirclePlusIcon,
  CircleXIcon,
  ClockAlertIcon,
  HashIcon,
  HourglassIcon,
  MoveRightIcon,
  PlugIcon,
  RotateCwIcon,
  UnplugIcon,
  type LucideIcon,
} from 'lucide-react'
import type { ComponentProps } from 'react'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import type { DatedHappening } from '@/features/fleet/fleet-state'
import { clockWords } from '@/features/fleet/fleet-words'
import { cn } from '@/lib/utils'

type NameOf = (room: RoomId) => string
type Story = { icon: LucideIcon; tone: 'good' | 'plain' | 'warning' | 'bad'; words: string }

type HappeningListProps = ComponentProps<'ol'> & {
  happenings: readonly DatedHappening[]
  nameOf: NameOf
}

/** What happened in the fleet, the newest first. */
export function HappeningList({ happenings, nameOf, className, ...props }: HappeningListProps) {
  if (happenings.length === 0)
    return (
      <p className="text-sm text-muted-foreground">Nothing yet. What happens from now on is told here.</p>
    )
  return (
    <ol data-slot="happening-list" className={cn('space-y-3', className)} {...props}>
      {happenings.map((happening) => {
        const { icon: Icon, tone, words } = tell(happening, nameOf)
        return (
          <li key={happening.key} data-what={happening.what} className="flex animate-arrive gap-2.5 text-sm">
            <Icon
              aria-hidden
              data-tone={tone}
              className="mt-[0.1875rem] size-4 shrink-0 text-muted-foreground data-[tone=bad]:text-destructive data-[tone=good]:text-live data-[tone=warning]:text-busy"
            />
            <span className="min-w-0 flex-1 wrap-anywhere">{words}</span>
            <Time at={happening.at} />
          </li>
        )
      })}
    </ol>
  )
}

function Time({ at }: { at: number }) {
  return (
    <time
      dateTime={new Date(at).toISOString()}
      className="mt-px shrink-0 text-xs leading-5 text-muted-foreground tabular-nums"
    >
      {clockWords(at)}
    </time>
  )
}

function tell(one: DatedHappening, nameOf: NameOf): Story {
  switch (one.what) {
    case 'registered':
      return { icon: CirclePlusIcon, tone: 'good', words: `${one.name} joined the fleet` }
    case 'restarted':
      return { icon: RotateCwIcon, tone: 'good', words: `${one.name} is up again after a restart` }
    case 'up_again':
      return { icon: CircleCheckIcon, tone: 'good', words: `${one.name} is up again` }
    case 'stays':
      return { icon: CircleCheckIcon, tone: 'good', words: `${one.name} takes clients again` }
    case 'late':
      return { icon: ClockAlertIcon, tone: 'warning', words: `${one.name} is late with its report` }
    case 'draining':
      return { icon: HourglassIcon, tone: 'plain', words: `${one.name} is draining` }
    case 'down':
      return { icon: CircleXIcon, tone: 'bad', words: `${one.name} is down` }
    case 'gone':
      return { icon: CircleMinusIcon, tone: 'plain', words: `${one.name} left the fleet` }
    case 'placed':
      return { icon: HashIcon, tone: 'plain', words: `${roomWords(one, nameOf)} found a home on ${one.name}` }
    case 'moved':
      return { icon: MoveRightIcon, tone: 'plain', words: movedWords(one, nameOf) }
    case 'balancer_lost':
      return { icon: UnplugIcon, tone: 'bad', words: 'The balancer does not answer' }
    case 'balancer_back':
      return { icon: PlugIcon, tone: 'good', words: 'The balancer answers again' }
  }
}

function movedWords(one: Extract<DatedHappening, { rooms: number }>, nameOf: NameOf): string {
  const from = one.from === undefined ? '' : `, from ${one.from}`
  return `${roomWords(one, nameOf)} moved to ${one.name}${from}`
}

function roomWords({ room, rooms }: { room: RoomId; rooms: number }, nameOf: NameOf): string {
  return rooms === 1 ? `#${nameOf(room)}` : `${rooms} rooms`
}
