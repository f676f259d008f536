import type { ComponentProps, ReactNode } from 'react'
import { Badge } from '@/components/ui/badge'
import { LoneBoat } from '@/components/fleet-art'
import type { FleetServer } from '@/features/fleet/fleet-state'
import { agoWords, countWords, shareWords } from '@/features/fleet/fleet-words'
import { ServerState } from '@/features/fleet/server-state'
import { cn } from '@/lib/utils'

type ServerCardProps = ComponentProps<'li'> & {
  server: FleetServer
  /** One is connected to it oneself. */
  isOwn: boolean
  /** ms since 1970: what the age of the report is counted to */
  now: number
}

/** One server of the fleet. Of one that is down the figures are those of its last report. */
export function ServerCard({ server, isOwn, now, className, ...props }: ServerCardProps) {
  const { id, name, state, clients, rooms, capacity, heardAt, loopDelayMs } = server
  return (
    <li
      data-slot="server-card"
      data-server={name}
      data-state={state}
      data-own={isOwn || undefined}
      className={cn(
        'group/card rounded-xl border bg-card p-4 shadow-lift data-own:border-ring sm:p-5',
        className,
      )}
      {...props}
    >
      <div className="flex items-start gap-3">
        <LoneBoat
          data-state={state}
          className="-mt-1 -ml-1 shrink-0 text-primary group-data-[state=down]/card:text-muted-foreground group-data-[state=late]/card:text-busy"
        />
        <div className="min-w-0 flex-1">
          <div className="flex items-center gap-2">
            <h3
              className="min-w-0 flex-1 truncate font-semibold tracking-[-0.01em] tabular-nums"
              title={name}
            >
              {name}
            </h3>
            <ServerState state={state} />
          </div>
          <p className="mt-1 flex h-5 min-w-0 items-center gap-2 text-xs text-muted-foreground">
            <span className="truncate font-mono" title={id}>
              {id}
            </span>
            {isOwn && <Badge className="shrink-0 px-2">You are here</Badge>}
          </p>
        </div>
      </div>
      <LoadBar clients={clients} capacity={capacity} isDown={state === 'down'} className="mt-4" />
      <dl className="mt-4 grid grid-cols-3 gap-x-3 text-sm">
        <Fact label="Open rooms">{countWords(rooms)}</Fact>
        <Fact label="Last report">{agoWords(now - heardAt)}</Fact>
        <Fact label="Loop delay">{`${loopDelayMs.toFixed(1)} ms`}</Fact>
      </dl>
    </li>
  )
}

type LoadBarProps = ComponentProps<'div'> & { clients: number; capacity: number; isDown?: boolean }

/** How much of what it takes is taken: by length, colour and figures. */
export function LoadBar({ clients, capacity, isDown = false, className, ...props }: LoadBarProps) {
  const share = Math.min(1, clients / capacity)
  const level = isDown ? 'none' : share >= 0.95 ? 'full' : share >= 0.75 ? 'high' : 'fine'
  return (
    <div className={className} {...props}>
      <p className="flex items-baseline justify-between gap-3 text-sm">
        <span className="tabular-nums">
          {isDown && <span className="text-muted-foreground">had </span>}
          <span className="font-medium">{countWords(clients)}</span>
          <span className="text-muted-foreground"> of {countWords(capacity)} clients</span>
        </span>
        <span className="text-muted-foreground tabular-nums">{shareWords(clients, capacity)}</span>
      </p>
      <div
        role="meter"
        aria-label="Clients"
        aria-valuemin={0}
        aria-valuemax={capacity}
        aria-valuenow={Math.min(clients, capacity)}
        data-level={level}
        className="mt-1.5 h-2 overflow-hidden rounded-full bg-accent"
      >
        <div
          className="h-full rounded-full bg-primary transition-[width] duration-500 in-data-[level=full]:bg-destructive in-data-[level=high]:bg-busy in-data-[level=none]:bg-muted-foreground/50"
          // A few clients of thousands are still to be seen.
          style={{ width: clients === 0 ? 0 : `max(0.5rem, ${share * 100}%)` }}
        />
      </div>
    </div>
  )
}

export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="truncate text-xs text-muted-foreground">{label}</dt>
      <dd className="mt-0.5 truncate font-medium tabular-nums">{children}</dd>
    </div>
  )
}
