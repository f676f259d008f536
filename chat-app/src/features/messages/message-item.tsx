import { CheckIcon, ClockIcon, RotateCwIcon, Trash2Icon } from 'lucide-react'
import { memo, useCallback, useState } from 'react'
import type { ErrorCode } from '@flotilla/protocol/errors.ts'
import type { Seq, User } from '@flotilla/protocol/frames.ts'
import { Avatar, GuestMark, PersonName } from '@/components/person'
import { Button } from '@/components/ui/button'
import { clockTime, dateAndTime, timeOfDay } from '@/features/messages/dates'
import { MessageActions, type MessageDeeds } from '@/features/messages/message-actions'
import { MessageEditor } from '@/features/messages/message-editor'
import { MessageReactions } from '@/features/messages/message-reactions'
import { MessageText } from '@/features/messages/message-text'
import type { Reaction } from '@/features/messages/reactions'
import { mentions } from '@/features/messages/text-parts'
import { cn } from '@/lib/utils'

export interface MessageItemProps {
  id: string
  /** Of the entry; undefined while it is only on its way. */
  seq: Seq | undefined
  author: User
  text: string
  ts: number
  state: 'said' | 'edited' | 'deleted' | 'sending' | 'sent' | 'failed'
  code?: ErrorCode | undefined
  reactions: readonly Reaction[]
  /** Stands under its own name and picture; others continue the group above. */
  opens: boolean
  me: User
  /** The last line of the list: the only one that may move in. */
  isNewest: boolean
  /** The last one of one's own: it tells its state. */
  isLastOwn: boolean
  onRetry: (id: string) => void
  onDiscard: (id: string) => void
  deeds: MessageDeeds
}

/** Memoised: in a burst of entries only the new ones are drawn. */
export const MessageItem = memo(function MessageItem({
  id,
  seq,
  author,
  text,
  ts,
  state,
  code,
  reactions,
  opens,
  me,
  isNewest,
  isLastOwn,
  onRetry,
  onDiscard,
  deeds,
}: MessageItemProps) {
  const [isEditing, setIsEditing] = useState(false)
  const [isShownAnyway, setIsShownAnyway] = useState(false)
  const isOwn = author.id === me.id
  const { react } = deeds
  const reactTo = useCallback(
    (emoji: string, on: boolean) => {
      if (seq !== undefined) react(seq, emoji, on)
    },
    [react, seq],
  )
  return (
    <article
      data-slot="message-item"
      data-state={state}
      data-own={isOwn || undefined}
      data-opens={opens || undefined}
      data-mention={(!isOwn && mentions(text, me.name)) || undefined}
      aria-label={`${author.name}, ${timeOfDay(ts)}`}
      className={cn(
        'group relative grid grid-cols-[2.25rem_minmax(0,1fr)_1.25rem] gap-x-3 px-4 py-[0.1875rem] sm:px-6',
        // Each line is as high as a finger needs, and the button at its end has room of its own.
        'touch:grid-cols-[2.25rem_minmax(0,1fr)_2rem] touch:py-0 touch:data-opens:mt-0.5 touch:data-own:grid-cols-[2.25rem_minmax(0,1fr)_3.25rem]',
        'hover:bg-muted/60 data-mention:bg-mention data-mention:hover:bg-mention data-opens:mt-2 data-opens:pt-1',
        'data-mention:before:absolute data-mention:before:inset-y-0 data-mention:before:left-0 data-mention:before:w-[3px] data-mention:before:bg-signal/70',
        isNewest && 'animate-arrive',
      )}
    >
      {opens ? (
        <Avatar user={author} className="mt-0.5" />
      ) : (
        <time
          dateTime={new Date(ts).toISOString()}
          title={dateAndTime(ts)}
          className="pt-1 text-right text-[0.6875rem] whitespace-nowrap text-muted-foreground tabular-nums opacity-0 group-hover:opacity-100"
        >
          {clockTime(ts)}
        </time>
      )}
      <div className="min-w-0 touch:py-[0.5625rem] touch:group-data-opens:pt-0">
        {opens && (
          <div className="flex items-baseline gap-2">
            <PersonName user={author} className="text-sm" />
            <GuestMark user={author} />
            <time
              dateTime={new Date(ts).toISOString()}
              title={dateAndTime(ts)}
              className="shrink-0 text-[0.6875rem] text-muted-foreground tabular-nums"
            >
              {timeOfDay(ts)}
            </time>
          </div>
        )}
        {isEditing && seq !== undefined ? (
          <MessageEditor
            text={text}
            onSave={(next) => {
              setIsEditing(false)
              deeds.edit(seq, next)
            }}
            onCancel={() => setIsEditing(false)}
          />
        ) : deeds.blocked.has(author.id) && !isShownAnyway ? (
          <p className="text-sm text-muted-foreground">
            You have blocked {author.name}.{' '}
            <Button variant="link" size="inline" onClick={() => setIsShownAnyway(true)}>
              Show what it says
            </Button>
          </p>
        ) : (
          <Body text={text} state={state} reader={isOwn ? '' : me.name} />
        )}
        {reactions.length > 0 && (
          <MessageReactions reactions={reactions} me={me} mayReact={deeds.mayWrite} onReact={reactTo} />
        )}
        {state === 'failed' && (
          <FailedNote code={code} onRetry={() => onRetry(id)} onDiscard={() => onDiscard(id)} />
        )}
      </div>
      <div className="flex justify-end gap-1">
        {isOwn && <StateMark state={state} isLastOwn={isLastOwn} />}
        {seq !== undefined && state !== 'deleted' && !isEditing && (
          <MessageActions
            seq={seq}
            author={author}
            me={me}
            reactions={reactions}
            deeds={deeds}
            onReact={reactTo}
            onEdit={() => setIsEditing(true)}
          />
        )}
      </div>
    </article>
  )
})

type State = MessageItemProps['state']

function Body({ text, state, reader }: { text: string; state: State; reader: string }) {
  if (state === 'deleted') return <p className="text-muted-foreground italic">This message was deleted.</p>
  return (
    <>
      <MessageText
        text={text}
        reader={reader}
        className={cn(
          'max-w-[78ch] transition-colors duration-300',
          (state === 'sending' || state === 'failed') && 'text-muted-foreground',
        )}
      />
      {state === 'edited' && <span className="text-[0.6875rem] text-muted-foreground">edited</span>}
    </>
  )
}

/** Beside the last line of the text. */
const STATE_MARK = 'self-end pb-1 text-muted-foreground touch:pb-3'

function StateMark({ state, isLastOwn }: { state: State; isLastOwn: boolean }) {
  if (state === 'sending')
    return (
      <span data-slot="state-mark" title="Sending" className={STATE_MARK}>
        {/* Shown late: on a good line the ack is there before the eye. */}
        <ClockIcon className="size-3.5 animate-in delay-300 fill-mode-both fade-in" aria-label="Sending" />
      </span>
    )
  if (state !== 'failed' && isLastOwn)
    return (
      <span data-slot="state-mark" title="Sent" className={STATE_MARK}>
        <CheckIcon className="size-3.5" aria-label="Sent" />
      </span>
    )
  return null
}

interface FailedNoteProps {
  code: ErrorCode | undefined
  onRetry: () => void
  onDiscard: () => void
}

function FailedNote({ code, onRetry, onDiscard }: FailedNoteProps) {
  return (
    <div role="alert" className="mt-0.5 flex flex-wrap items-center gap-x-3 gap-y-1 pb-1 text-[0.8125rem]">
      <span className="text-destructive">Not sent. {reasonOf(code)}</span>
      <span className="flex gap-1">
        <Button variant="ghost" size="sm" className="h-7 px-2" onClick={onRetry}>
          <RotateCwIcon className="size-3.5" /> Try again
        </Button>
        <Button variant="ghost" size="sm" className="h-7 px-2" onClick={onDiscard}>
          <Trash2Icon className="size-3.5" /> Discard
        </Button>
      </span>
    </div>
  )
}

function reasonOf(code: ErrorCode | undefined): string {
  switch (code) {
    case 'too_long':
      return 'It is too long.'
    case 'forbidden':
      return 'You may not write here.'
    case 'no_such_room':
    case 'not_joined':
      return 'You are not in this room any more.'
    case 'rate_limited':
      return 'That was too fast.'
    case 'conflict':
      return 'It was sent before, in other words.'
    default:
      return ''
  }
}
