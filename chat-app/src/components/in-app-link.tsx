import type { ComponentProps } from 'react'

type InAppLinkProps = ComponentProps<'a'> & { href: string; onOpen: () => void }

/** A link that the app follows itself; opened in another tab or window, it is one like any other. */
export function InAppLink({ onOpen, ...props }: InAppLinkProps) {
  return (
    <a
      {...props}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return
        event.preventDefault()
        onOpen()
      }}
    />
  )
}
