import type { ComponentProps } from 'react'
import { typingWords } from '@/features/messages/typists'
import { cn } from '@/lib/utils'

type TypingLineProps = ComponentProps<'div'> & { names: readonly string[] }

/** Always as high as with words in it, so that nothing jumps when somebody begins. */
export function TypingLine({ names, className, ...props }: TypingLineProps) {
  return (
    <div
      data-slot="typing-line"
      className={cn('flex h-6 items-center gap-2 text-xs text-muted-foreground', className)}
      {...props}
    >
      {names.length > 0 && (
        <>
          <span aria-hidden className="flex gap-[3px]">
            <span className="size-1.5 animate-typing rounded-full bg-current" />
            <span className="size-1.5 animate-typing rounded-full bg-current [animation-delay:150ms]" />
            <span className="size-1.5 animate-typing rounded-full bg-current [animation-delay:300ms]" />
          </span>
          <span className="truncate">{typingWords(names)}</span>
        </>
      )}
    </div>
  )
}
