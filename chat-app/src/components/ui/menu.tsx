import { DropdownMenu as Parts } from 'radix-ui'
import type { ComponentProps } from 'react'
import { cn } from '@/lib/utils'

/** Not modal: that would lock the page's scrolling by a style element, which the app's policy forbids. */
export function Menu(props: ComponentProps<typeof Parts.Root>) {
  return <Parts.Root modal={false} {...props} />
}

export function MenuTrigger(props: ComponentProps<typeof Parts.Trigger>) {
  return <Parts.Trigger data-slot="menu-trigger" {...props} />
}

type MenuContentProps = ComponentProps<typeof Parts.Content> & {
  /** Stands where it is: under a modal dialog what is outside of it cannot be reached. Elsewhere nothing may cover it. */
  isInDialog?: boolean
}

export function MenuContent({ isInDialog = false, className, ...props }: MenuContentProps) {
  const content = (
    <Parts.Content
      data-slot="menu-content"
      align="end"
      sideOffset={4}
      collisionPadding={8}
      className={cn('z-50 min-w-44 rounded-lg border bg-card p-1 text-foreground shadow-lift', className)}
      {...props}
    />
  )
  return isInDialog ? content : <Parts.Portal>{content}</Parts.Portal>
}

type MenuItemProps = ComponentProps<typeof Parts.Item> & { tone?: 'plain' | 'grave' }

export function MenuItem({ tone = 'plain', className, ...props }: MenuItemProps) {
  return (
    <Parts.Item
      data-slot="menu-item"
      data-tone={tone}
      className={cn(
        'flex cursor-default items-center gap-2 rounded-md px-2.5 py-1.5 text-sm outline-none select-none touch:min-h-10 data-disabled:opacity-50 data-highlighted:bg-accent data-[tone=grave]:text-destructive [&_svg]:size-4 [&_svg]:shrink-0',
        className,
      )}
      {...props}
    />
  )
}

/** One of several that can each be on or off; choosing it closes the menu. */
export function MenuCheckItem({ className, ...props }: ComponentProps<typeof Parts.CheckboxItem>) {
  return (
    <Parts.CheckboxItem
      data-slot="menu-check-item"
      className={cn(
        'flex cursor-default items-center justify-center rounded-md outline-none select-none data-disabled:opacity-50 data-highlighted:bg-accent data-[state=checked]:bg-accent data-[state=checked]:inset-ring-2 data-[state=checked]:inset-ring-primary/60',
        className,
      )}
      {...props}
    />
  )
}

export function MenuSeparator({ className, ...props }: ComponentProps<typeof Parts.Separator>) {
  return <Parts.Separator className={cn('-mx-1 my-1 h-px bg-border', className)} {...props} />
}
