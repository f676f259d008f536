import type { ComponentProps } from 'react'
import { ModalDialog } from '@/components/ui/dialog'
import { cn } from '@/lib/utils'

type SheetProps = ComponentProps<typeof ModalDialog> & { side: 'left' | 'right' }

/** A panel that slides in from a side of the screen. */
export function Sheet({ side, className, children, ...props }: SheetProps) {
  return (
    <ModalDialog
      data-side={side}
      focusesItself
      className={cn(
        'fixed inset-y-0 m-0 h-dvh max-h-none w-[min(19rem,86vw)] max-w-none bg-canvas text-foreground shadow-lift',
        'data-[side=left]:left-0 data-[side=left]:-translate-x-full data-[side=left]:rounded-r-2xl',
        'data-[side=right]:right-0 data-[side=right]:left-auto data-[side=right]:translate-x-full data-[side=right]:rounded-l-2xl',
        'open:data-[side=left]:translate-x-0 open:data-[side=right]:translate-x-0',
        'starting:open:data-[side=left]:-translate-x-full starting:open:data-[side=right]:translate-x-full',
        className,
      )}
      {...props}
    >
      <div className="flex h-full flex-col pt-[env(safe-area-inset-top)] pb-[env(safe-area-inset-bottom)]">
        {children}
      </div>
    </ModalDialog>
  )
}
