import { Fragment, useMemo, type ComponentProps } from 'react'
import { cutText } from '@/features/messages/text-parts'
import { cn } from '@/lib/utils'

type MessageTextProps = ComponentProps<'p'> & { text: string; reader: string }

/** One to three emoji and nothing else are shown large. */
const ONLY_EMOJI = /^(?:\p{RGI_Emoji}\s*){1,3}$/v

/** A text as text: nothing in it is markup. Addresses can be clicked, the reader's name stands out. */
export function MessageText({ text, reader, className, ...props }: MessageTextProps) {
  const parts = useMemo(() => cutText(text, reader), [text, reader])
  return (
    <p
      data-slot="message-text"
      data-large={(text.length < 40 && ONLY_EMOJI.test(text)) || undefined}
      dir="auto"
      className={cn(
        'wrap-anywhere whitespace-pre-wrap data-large:font-emoji data-large:text-3xl data-large:leading-snug',
        className,
      )}
      {...props}
    >
      {parts.map(({ kind, text: part }, index) => {
        switch (kind) {
          case 'link':
            return (
              <a
                key={index}
                href={part}
                target="_blank"
                rel="noopener noreferrer nofollow"
                className="text-primary underline decoration-primary/40 underline-offset-[3px] hover:decoration-primary"
              >
                {part}
              </a>
            )
          case 'mention':
            return (
              <mark
                key={index}
                className="rounded-[5px] bg-mention-strong px-[0.2em] py-px font-medium text-mention-foreground"
              >
                {part}
              </mark>
            )
          case 'text':
            return <Fragment key={index}>{part}</Fragment>
        }
      })}
    </p>
  )
}
