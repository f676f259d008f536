import type { ComponentProps, CSSProperties } from 'react'
import type { User } from '@flotilla/protocol/frames.ts'
import { isGuest } from '@/components/guest'
import { hueOf, initialsOf } from '@/components/name-colour'
import { cn } from '@/lib/utils'

function hueStyle(name: string): CSSProperties {
  return { '--hue': hueOf(name) } as CSSProperties
}

/** Initials on the name's colour. For the eye only: the name stands beside it. */
export function Avatar({ user, className, ...props }: ComponentProps<'span'> & { user: User }) {
  return (
    <span
      data-slot="avatar"
      aria-hidden
      className={cn(
        'hued inline-flex size-9 shrink-0 items-center justify-center rounded-[0.7em] text-[0.8125rem] font-semibold tracking-wide text-(--avatar-text) select-none bg-(--avatar)',
        className,
      )}
      {...props}
      style={hueStyle(user.name)}
    >
      {initialsOf(user.name)}
    </span>
  )
}

/** A name in its colour. */
export function PersonName({ user, className, ...props }: ComponentProps<'span'> & { user: User }) {
  return (
    <span
      data-slot="person-name"
      className={cn('hued truncate text-(--author) font-semibold', className)}
      {...props}
      style={hueStyle(user.name)}
    >
      {user.name}
    </span>
  )
}

/** Says of a guest that it is one; nothing of an account. */
export function GuestMark({ user, className, ...props }: ComponentProps<'span'> & { user: User }) {
  if (!isGuest(user)) return null
  return (
    <span
      data-slot="guest-mark"
      className={cn('shrink-0 text-[0.6875rem] leading-none text-muted-foreground', className)}
      {...props}
    >
      guest
    </span>
  )
}
