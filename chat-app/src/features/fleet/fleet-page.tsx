import { useEffect, useMemo, type ComponentProps, type ReactNode } from 'react'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { FleetScene } from '@/components/fleet-art'
import { Skeleton } from '@/components/ui/skeleton'
import { totalsOf, type FleetState } from '@/features/fleet/fleet-state'
import type { FleetWatch } from '@/features/fleet/fleet-watch'
import { agoWords, countWords, shareWords } from '@/features/fleet/fleet-words'
import { HappeningList } from '@/features/fleet/happening-list'
import { ServerCard } from '@/features/fleet/server-card'
import { cn } from '@/lib/utils'
import { useStore } from '@/use-store'

interface FleetPageProps {
  watch: FleetWatch
  /** `host:port` of the server one is connected to oneself, if to any. */
  own: string | undefined
  nameOf: (room: RoomId) => string
  /** The way back to where people talk. */
  back: ReactNode
  corner: ReactNode
}

/** All servers, how they are, and what happens to them, as it happens. Open to anyone, as what it shows is. */
export function FleetPage({ watch, own, nameOf, back, corner }: FleetPageProps) {
  const { balancer, heardAt, servers, happenings } = useStore(watch)
  const now = useStore(watch.now)
  useEffect(() => whileVisible(watch.look), [watch])
  useEffect(() => {
    document.title = 'Fleet · Flotilla'
    return () => {
      document.title = 'Flotilla'
    }
  }, [])
  return (
    <div className="mx-auto flex min-h-dvh max-w-[90rem] flex-col px-4 pt-[env(safe-area-inset-top)] pb-[max(1.5rem,env(safe-area-inset-bottom))] sm:px-6">
      <header className="flex items-center gap-3 py-4 sm:py-5">
        {back}
        <h1 className="flex-1 text-xl font-semibold tracking-[-0.02em]">Fleet</h1>
        <BalancerStatus balancer={balancer} />
        {corner}
      </header>
      <main className="grid flex-1 content-start gap-4 sm:gap-5 lg:grid-cols-[minmax(0,1fr)_21rem] lg:items-start">
        <div className="grid gap-4 sm:gap-5">
          {balancer === 'away' && <AwayNote heardAt={heardAt} now={now} />}
          <TotalsBar servers={servers} />
          <section aria-labelledby="servers-title">
            <h2 id="servers-title" className="sr-only">
              Servers
            </h2>
            {servers.length === 0 ? (
              <NoServers balancer={balancer} />
            ) : (
              <ul className="grid gap-4 sm:grid-cols-[repeat(auto-fill,minmax(19rem,1fr))] sm:gap-5">
                {servers.map((server) => (
                  <ServerCard key={server.id} server={server} isOwn={server.name === own} now={now} />
                ))}
              </ul>
            )}
          </section>
        </div>
        <section
          aria-labelledby="happenings-title"
          tabIndex={0}
          className="quiet-scroll rounded-xl border bg-card p-4 shadow-lift sm:p-5 lg:sticky lg:top-5 lg:max-h-[calc(100dvh-2.5rem)] lg:overflow-y-auto"
        >
          <h2 id="happenings-title" className="mb-3 text-[0.8125rem] font-semibold">
            What happened
          </h2>
          <div role="log" aria-labelledby="happenings-title">
            <HappeningList happenings={happenings} nameOf={nameOf} />
          </div>
        </section>
      </main>
    </div>
  )
}

/** Browsers open six connections to an origin: streams of forgotten tabs would leave none for anything else. */
function whileVisible(look: () => () => void): () => void {
  let stop: (() => void) | undefined
  const follow = () => {
    stop?.()
    stop = document.visibilityState === 'visible' ? look() : undefined
  }
  follow()
  document.addEventListener('visibilitychange', follow)
  return () => {
    document.removeEventListener('visibilitychange', follow)
    stop?.()
  }
}

type Balancer = FleetState['balancer']
const BALANCER_WORDS: Record<Balancer, string> = {
  asked: 'Asking the balancer…',
  here: 'Live',
  away: 'Balancer away',
}

function BalancerStatus({ balancer, className, ...props }: ComponentProps<'p'> & { balancer: Balancer }) {
  return (
    <p
      role="status"
      data-slot="balancer-status"
      data-balancer={balancer}
      className={cn('group flex items-center gap-2 text-sm text-muted-foreground', className)}
      {...props}
    >
      <span
        aria-hidden
        className="size-2 rounded-full bg-busy group-data-[balancer=away]:bg-destructive group-data-[balancer=here]:bg-live"
      />
      {BALANCER_WORDS[balancer]}
    </p>
  )
}

function AwayNote({ heardAt, now }: { heardAt: number | undefined; now: number }) {
  return (
    <p
      data-slot="away-note"
      className="rounded-xl border bg-mention px-4 py-3 text-sm text-mention-foreground"
    >
      The balancer does not answer. Chat goes on without it.{' '}
      {heardAt !== undefined && <>What you see is what it said last, {agoWords(now - heardAt)}.</>}
    </p>
  )
}

function TotalsBar({ servers }: { servers: FleetState['servers'] }) {
  const totals = useMemo(() => totalsOf(servers), [servers])
  return (
    <dl
      data-slot="totals"
      className="grid grid-cols-2 gap-px overflow-hidden rounded-xl border bg-border shadow-lift sm:grid-cols-4"
    >
      <Total label="Servers up" value={countWords(totals.up)} more={`of ${countWords(totals.servers)}`} />
      <Total label="Clients" value={countWords(totals.clients)} more={`of ${countWords(totals.capacity)}`} />
      {/* A room that is followed on three servers is open on three. */}
      <Total label="Open rooms" value={countWords(totals.rooms)} more="on all servers" />
      <Total label="Load" value={shareWords(totals.clients, totals.capacity)} />
    </dl>
  )
}

function Total({ label, value, more }: { label: string; value: string; more?: string }) {
  return (
    <div className="min-w-0 bg-card px-4 py-3 sm:px-5 sm:py-4">
      <dt className="truncate text-xs text-muted-foreground">{label}</dt>
      <dd className="mt-0.5 truncate text-2xl leading-tight font-semibold tracking-[-0.02em] tabular-nums">
        {value}
        {more && (
          <span className="ml-1.5 text-sm font-normal tracking-normal text-muted-foreground">{more}</span>
        )}
      </dd>
    </div>
  )
}

function NoServers({ balancer }: { balancer: Balancer }) {
  if (balancer === 'asked')
    return (
      <div role="status" aria-label="Loading servers" className="grid gap-4 sm:grid-cols-2 sm:gap-5">
        <Skeleton className="h-44 rounded-xl" />
        <Skeleton className="h-44 rounded-xl" />
      </div>
    )
  return (
    <div className="rounded-xl border bg-card px-6 py-10 text-center shadow-lift">
      <FleetScene className="mx-auto mb-4 w-48" />
      <p className="font-semibold">
        {balancer === 'here' ? 'No server is in the fleet' : 'Nothing is known yet'}
      </p>
      <p className="mt-1 text-sm text-muted-foreground">
        {balancer === 'here'
          ? 'As soon as one registers, it is shown here.'
          : 'The servers are shown as soon as the balancer answers.'}
      </p>
    </div>
  )
}
