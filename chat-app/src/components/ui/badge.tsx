import type { ComponentProps } from 'react'
import { cn } from '@/lib/utils'

type BadgeProps = ComponentProps<'span'> & { tone?: 'quiet' | 'signal' }

export function Badge({ tone = 'quiet', className, ...props }: BadgeProps) {
  return (
    <span
      data-slot="badge"
      data-tone={tone}
      className={cn(
        'inline-flex h-5 min-w-5 items-center justify-center rounded-full px-1.5 text-[0.6875rem] leading-none font-semibold tabular-nums',
        'data-[tone=quiet]:bg-accent data-[tone=quiet]:text-accent-foreground',
        'data-[tone=signal]:bg-signal data-[tone=signal]:text-signal-foreground',
        className,
      )}
      {...props}
    />
  )
}
