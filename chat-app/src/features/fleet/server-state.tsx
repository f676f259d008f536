import { CircleCheckIcon, CircleXIcon, ClockAlertIcon, HourglassIcon } from 'lucide-react'
import type { ComponentProps } from 'react'
import type { ServerState as State } from '@flotilla/protocol/control.ts'
import { cn } from '@/lib/utils'

const WORDS: Record<State, string> = { up: 'Up', late: 'Late', draining: 'Draining', down: 'Down' }
const ICONS = { up: CircleCheckIcon, late: ClockAlertIcon, draining: HourglassIcon, down: CircleXIcon }

/** How a server is, by colour, icon and word: none of them has to be told apart from the others alone. */
export function ServerState({ state, className, ...props }: ComponentProps<'span'> & { state: State }) {
  const Icon = ICONS[state]
  return (
    <span
      data-slot="server-state"
      data-state={state}
      className={cn(
        'inline-flex h-6 shrink-0 items-center gap-1.5 rounded-full bg-muted pr-2.5 pl-1.5 text-xs font-medium text-foreground',
        'data-[state=down]:bg-destructive/12 data-[state=draining]:bg-accent data-[state=late]:bg-busy/18 data-[state=up]:bg-live/14',
        className,
      )}
      {...props}
    >
      <Icon
        aria-hidden
        className="size-3.5 text-live in-data-[state=down]:text-destructive in-data-[state=draining]:text-primary in-data-[state=late]:text-busy"
      />
      {WORDS[state]}
    </span>
  )
}
