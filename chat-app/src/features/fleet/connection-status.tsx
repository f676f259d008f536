import type { ComponentProps } from 'react'
import { Button } from '@/components/ui/button'
import type { Line } from '@/features/fleet/line'
import { cn } from '@/lib/utils'
import { useStore } from '@/use-store'

type ConnectionStatusProps = ComponentProps<'div'> & {
  line: Line
  /** Other words stand beside it: where there is little room, the server has to wait. */
  isBesideWords?: boolean
}

/** A dot, and as few words as the moment needs. */
export function ConnectionStatus({
  line,
  isBesideWords = false,
  className,
  ...props
}: ConnectionStatusProps) {
  const { mood, words, server } = useStore(line)
  return (
    <div
      role="status"
      data-slot="connection-status"
      data-mood={mood}
      data-server={server}
      className={cn(
        'group flex min-w-0 items-center text-xs text-muted-foreground',
        isBesideWords && 'max-w-full shrink-0',
        className,
      )}
      {...props}
    >
      <span className="flex min-w-0 items-center gap-2">
        <span aria-hidden className="relative flex size-2 shrink-0">
          <span className="absolute inset-0 rounded-full bg-current group-data-[mood=busy]:animate-ping group-data-[mood=busy]:text-busy group-data-[mood=calm]:hidden" />
          <span className="relative size-2 rounded-full bg-live group-data-[mood=busy]:bg-busy group-data-[mood=lost]:bg-destructive" />
        </span>
        <span className="truncate group-data-[mood=lost]:text-destructive">{words}</span>
        {server !== undefined && words === 'Live' && (
          <span className={cn('truncate tabular-nums', isBesideWords && 'max-sm:hidden')}>on {server}</span>
        )}
      </span>
    </div>
  )
}

type ConnectionNoteProps = ComponentProps<'div'> & {
  line: Line
  onRetry: () => void
  onSignIn: () => void
}

/** What a writer should know above the composer: nothing while all is well. */
export function ConnectionNote({ line, onRetry, onSignIn, className, ...props }: ConnectionNoteProps) {
  const { mood, words, remedy, isLong } = useStore(line)
  if (!isLong) return null
  return (
    <div
      data-slot="connection-note"
      data-mood={mood}
      className={cn(
        'mb-2 flex animate-arrive items-center gap-3 rounded-lg bg-muted px-3.5 py-2 text-[0.8125rem] text-muted-foreground data-[mood=lost]:text-foreground',
        className,
      )}
      {...props}
    >
      <span className="min-w-0 flex-1">
        {words.endsWith('…') ? words : `${words}.`}
        {remedy !== 'sign_in' && ' What you write is sent as soon as the line is back.'}
      </span>
      {remedy === 'retry' && (
        <Button variant="link" size="inline" onClick={onRetry}>
          Try now
        </Button>
      )}
      {remedy === 'sign_in' && (
        <Button variant="link" size="inline" onClick={onSignIn}>
          Sign in again
        </Button>
      )}
    </div>
  )
}
