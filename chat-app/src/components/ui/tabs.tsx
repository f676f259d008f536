import { Tabs as Parts } from 'radix-ui'
import type { ComponentProps } from 'react'
import { cn } from '@/lib/utils'

export function Tabs(props: ComponentProps<typeof Parts.Root>) {
  return <Parts.Root data-slot="tabs" {...props} />
}

export function TabsList({ className, ...props }: ComponentProps<typeof Parts.List>) {
  return (
    <Parts.List
      data-slot="tabs-list"
      className={cn('flex gap-1 overflow-x-auto border-b', className)}
      {...props}
    />
  )
}

export function TabsTrigger({ className, ...props }: ComponentProps<typeof Parts.Trigger>) {
  return (
    <Parts.Trigger
      data-slot="tabs-trigger"
      className={cn(
        '-mb-px border-b-2 border-transparent px-2.5 py-2 text-sm touch:min-h-10.5 font-medium text-muted-foreground hover:text-foreground data-[state=active]:border-primary data-[state=active]:text-foreground',
        className,
      )}
      {...props}
    />
  )
}

export function TabsContent({ className, ...props }: ComponentProps<typeof Parts.Content>) {
  return <Parts.Content data-slot="tabs-content" className={cn('pt-4 outline-none', className)} {...props} />
}
