import { ArrowUpIcon } from 'lucide-react'
import { useLayoutEffect, useRef, useState, type ComponentProps } from 'react'
import { Button } from '@/components/ui/button'
import { COMPOSER_ID } from '@/features/messages/focus-composer'
import type { RoomFeed } from '@/features/messages/room-feed'
import { cn } from '@/lib/utils'

type ComposerProps = ComponentProps<'form'> & {
  feed: RoomFeed
  roomName: string
  /** Longest text that can be sent, in UTF-16 code units. */
  maxChars: number
}

/** What is left is counted from this part of the longest text on. */
const COUNT_FROM = 0.9

/** Where one writes. Never closed for want of a connection: what is sent meanwhile goes out later, in order. */
export function Composer({ feed, roomName, maxChars, className, ...props }: ComposerProps) {
  const [text, setText] = useState(feed.draft)
  const field = useRef<HTMLTextAreaElement>(null)
  const isTooLong = text.length > maxChars
  const canSend = text.trim() !== '' && !isTooLong

  useLayoutEffect(() => {
    const { current } = field
    if (!current) return
    current.style.height = 'auto'
    current.style.height = `${current.scrollHeight}px`
  }, [text])

  function change(next: string) {
    setText(next)
    feed.keepDraft(next)
  }

  function send() {
    if (!canSend || !feed.send(text)) return
    change('')
    field.current?.focus()
  }

  return (
    <form
      data-slot="composer"
      data-too-long={isTooLong || undefined}
      className={cn(
        'flex items-end gap-2 rounded-xl border border-input bg-card py-1.5 pr-1.5 pl-4 shadow-xs transition-[border-color,box-shadow] focus-within:border-ring focus-within:ring-[3px] focus-within:ring-ring/25 data-too-long:border-destructive',
        className,
      )}
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
      {...props}
    >
      <textarea
        ref={field}
        id={COMPOSER_ID}
        rows={1}
        value={text}
        aria-label={`Message ${roomName}`}
        aria-invalid={isTooLong || undefined}
        aria-describedby="composer-count"
        placeholder={`Message ${roomName}`}
        enterKeyHint="send"
        className="quiet-scroll max-h-[38vh] min-h-9 min-w-0 flex-1 resize-none bg-transparent py-1.5 touch:min-h-10 touch:py-2 text-base leading-6 outline-none placeholder:text-muted-foreground sm:text-[0.9375rem]"
        onChange={(event) => {
          change(event.target.value)
          if (event.target.value !== '') feed.typing()
        }}
        onKeyDown={(event) => {
          // While a word is being composed (Japanese, Chinese …) Enter belongs to it.
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
          event.preventDefault()
          send()
        }}
      />
      <span
        id="composer-count"
        role="status"
        data-too-long={isTooLong || undefined}
        className="pb-2.5 text-xs text-muted-foreground tabular-nums data-too-long:font-semibold data-too-long:text-destructive"
      >
        {text.length >= COUNT_FROM * maxChars && `${(maxChars - text.length).toLocaleString()} left`}
      </span>
      <Button type="submit" size="icon" aria-label="Send" disabled={!canSend} className="rounded-[10px]">
        <ArrowUpIcon className="size-[1.125rem]" />
      </Button>
    </form>
  )
}
