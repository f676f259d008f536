import { ShipIcon } from 'lucide-react'
import type { ComponentProps } from 'react'
import { InAppLink } from '@/components/in-app-link'
import type { Line } from '@/features/fleet/line'
import { cn } from '@/lib/utils'
import { useStore } from '@/use-store'

type FleetLinkProps = Omit<ComponentProps<typeof InAppLink>, 'children'> & { line: Line }

/** The way to the fleet page, and the server one is on, also where the header has no space for it. */
export function FleetLink({ line, className, ...props }: FleetLinkProps) {
  const { mood, server } = useStore(line)
  return (
    <InAppLink
      data-slot="fleet-link"
      className={cn(
        'flex h-9 items-center gap-2 rounded-md px-2 text-sm text-muted-foreground transition-colors hover:bg-accent/70 hover:text-foreground',
        className,
      )}
      {...props}
    >
      <ShipIcon aria-hidden className="size-4 shrink-0 opacity-60" />
      <span className="shrink-0">Fleet</span>
      {server !== undefined && (
        <span className="min-w-0 flex-1 truncate text-right text-xs tabular-nums" title={server}>
          {mood === 'calm' ? 'on' : 'was on'} {server}
        </span>
      )}
    </InAppLink>
  )
}
