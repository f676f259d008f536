import type { ComponentProps } from 'react'
import { cn } from '@/lib/utils'

export function Input({ className, ...props }: ComponentProps<'input'>) {
  return (
    <input
      data-slot="input"
      className={cn(
        // 16 px at least on phones: iOS zooms into anything smaller.
        'h-11 w-full min-w-0 rounded-md border border-input bg-background px-3.5 text-base transition-[border-color,box-shadow] outline-none placeholder:text-muted-foreground/80 focus-visible:border-ring focus-visible:ring-[3px] focus-visible:ring-ring/30 aria-invalid:border-destructive aria-invalid:ring-destructive/25 sm:text-[0.9375rem]',
        className,
      )}
      {...props}
    />
  )
}
