import { LinkIcon, UserPlusIcon } from 'lucide-react'
import { useEffect, type ReactNode } from 'react'
import type { RoomFacts } from '@flotilla/protocol/control.ts'
import type { LeftReason } from '@flotilla/protocol/frames.ts'
import type { Chat } from '@/chat'
import { FleetScene } from '@/components/fleet-art'
import { Button } from '@/components/ui/button'
import { Skeleton } from '@/components/ui/skeleton'
import { ConnectionNote } from '@/features/fleet/connection-status'
import { Composer } from '@/features/messages/composer'
import { dayName, longMoment, timeOfDay } from '@/features/messages/dates'
import { focusComposerOnDesktop } from '@/features/messages/focus-composer'
import type { MessageDeeds } from '@/features/messages/message-actions'
import { MessageList } from '@/features/messages/message-list'
import type { Feed, RoomFeed } from '@/features/messages/room-feed'
import { TypingLine } from '@/features/messages/typing-line'
import { useMutedUntil } from '@/features/messages/use-may-write'
import { useToday } from '@/features/messages/use-today'
import { useStore } from '@/use-store'

interface ConversationProps {
  chat: Chat
  feed: RoomFeed
  /** As people call it: `#general`, or a person's name. */
  roomName: string
  visibility: RoomFacts['visibility']
  deeds: MessageDeeds
  onShare: () => void
  /** Undefined: it is not the reader's to invite others. */
  onInvite: (() => void) | undefined
  onLeave: () => void
  onSignIn: () => void
}

/** One room: what was said, and where one answers. */
export function Conversation({
  chat,
  feed,
  roomName,
  visibility,
  deeds,
  onShare,
  onInvite,
  onLeave,
  onSignIn,
}: ConversationProps) {
  const { status, code, reason, view, refused, rows, complete, older, typing, heard } = useStore(feed)
  const mutedUntil = useMutedUntil(view)
  const maxChars = useStore(chat.textChars)
  useOpen(feed)
  // The newest page may hold nothing but what changes older messages: then there is no list yet that would ask for those.
  const hasNothing = rows.length === 0 && !complete
  useEffect(() => {
    if (hasNothing) void feed.loadOlder()
  }, [feed, hasNothing, rows, status, older])
  useEffect(focusComposerOnDesktop, [])

  const retryNow = () => {
    chat.retryNow()
    focusComposerOnDesktop()
  }
  if (status === 'refused') return <Refused code={code} onLeave={onLeave} />
  if (status === 'left' && reason !== undefined) return <Gone reason={reason} onLeave={onLeave} />
  return (
    <>
      {hasNothing && older !== 'failed' ? (
        <LoadingMessages />
      ) : (
        <MessageList
          feed={feed}
          me={chat.me}
          deeds={deeds}
          beginning={
            <Beginning
              roomName={roomName}
              visibility={visibility}
              isEmpty={rows.length === 1}
              onShare={onShare}
              onInvite={onInvite}
            />
          }
          className="flex-1"
        />
      )}
      <div className="px-3 pb-[max(0.75rem,env(safe-area-inset-bottom))] sm:px-5 sm:pb-4">
        <TypingLine names={typing} className="px-1" />
        <ConnectionNote line={chat.line} onRetry={retryNow} onSignIn={onSignIn} />
        {refused !== undefined && <ChangeRefused {...refused} onSeen={() => feed.forgetRefused()} />}
        {view?.archived === true ? (
          <InsteadOfComposer>This room is archived. It can be read, and nobody can write.</InsteadOfComposer>
        ) : mutedUntil !== undefined ? (
          <InsteadOfComposer>
            You are muted here until <Moment ts={mutedUntil} />.
          </InsteadOfComposer>
        ) : (
          <Composer feed={feed} roomName={roomName} maxChars={maxChars} />
        )}
      </div>
      <p aria-live="polite" className="sr-only">
        {heard?.text}
      </p>
    </>
  )
}

function Moment({ ts }: { ts: number }) {
  const isToday = dayName(ts, useToday()) === 'Today'
  return <time dateTime={new Date(ts).toISOString()}>{isToday ? timeOfDay(ts) : longMoment(ts)}</time>
}

function InsteadOfComposer({ children }: { children: ReactNode }) {
  return (
    <p className="rounded-xl border bg-muted/60 px-4 py-3 text-center text-sm text-muted-foreground">
      {children}
    </p>
  )
}

/** A room counts as read only while its tab can be seen. */
function useOpen(feed: RoomFeed) {
  useEffect(() => {
    const update = () => feed.setOpen(document.visibilityState === 'visible')
    update()
    document.addEventListener('visibilitychange', update)
    return () => {
      document.removeEventListener('visibilitychange', update)
      feed.setOpen(false)
    }
  }, [feed])
}

type BeginningProps = Pick<ConversationProps, 'roomName' | 'visibility' | 'onShare' | 'onInvite'> & {
  isEmpty: boolean
}

function Beginning({ roomName, visibility, isEmpty, onShare, onInvite }: BeginningProps) {
  return (
    <div className="px-4 pt-10 pb-4 sm:px-6">
      <FleetScene className="-ml-2 w-48" />
      <p className="mt-4 text-xl font-semibold tracking-[-0.02em]">
        {isEmpty ? `It is quiet in ${roomName}` : `The beginning of ${roomName}`}
      </p>
      <p className="mt-1 max-w-md text-muted-foreground">
        {isEmpty ? QUIET[visibility] : 'Everything that was ever said here comes after this.'}
      </p>
      {visibility === 'public' && (
        <Button variant="outline" size="sm" className="mt-4" onClick={onShare}>
          <LinkIcon className="size-3.5" /> Share the link
        </Button>
      )}
      {visibility === 'private' && onInvite && (
        <Button variant="outline" size="sm" className="mt-4" onClick={onInvite}>
          <UserPlusIcon className="size-3.5" /> Invite people
        </Button>
      )}
    </div>
  )
}

const QUIET = {
  public: 'Nothing has been said yet. Say the first word, or hand on the link and let others find you.',
  private: 'Nothing has been said yet. What is said here is read by its members, and by nobody else.',
  direct: 'Nothing has been said yet. What is said here is between the two of you.',
} as const

const GONE = {
  removed: ['You were removed from this room', 'Who keeps it has taken you out.'],
  banned: ['You were banned from this room', 'Who keeps it does not let you in any more.'],
  deleted: ['This room was deleted', 'Everything said in it is gone.'],
  left: ['You have left this room', 'You left it in another window.'],
} as const

function Gone({ reason, onLeave }: { reason: LeftReason; onLeave: () => void }) {
  const [title, says] = GONE[reason]
  return (
    <Notice title={title} action={<Button onClick={onLeave}>Go to #general</Button>}>
      {says}
    </Notice>
  )
}

type ChangeRefusedProps = NonNullable<Feed['refused']> & { onSeen: () => void }

function ChangeRefused({ type, code, onSeen }: ChangeRefusedProps) {
  const [may, could] = REFUSED[type]
  return (
    <p role="alert" className="flex items-center gap-2 px-1 pb-2 text-sm text-destructive">
      <span className="min-w-0 flex-1">
        {code === 'forbidden'
          ? may
          : code === 'no_such_message'
            ? 'That message is not there any more.'
            : could}
      </span>
      <Button variant="ghost" size="sm" onClick={onSeen}>
        All right
      </Button>
    </p>
  )
}

const REFUSED = {
  edit: ['You may not change that message.', 'That message could not be changed.'],
  delete: ['You may not delete that message.', 'That message could not be deleted.'],
  react: ['You may not react here.', 'Your reaction could not be added.'],
} as const

function Refused({ code, onLeave }: { code: Feed['code']; onLeave: () => void }) {
  const isUnknown = code === 'no_such_room'
  return (
    <Notice
      title={isUnknown ? 'There is no such room' : 'This room is closed to you'}
      action={<Button onClick={onLeave}>Go to #general</Button>}
    >
      {isUnknown
        ? 'The link may be mistyped, or the room was deleted.'
        : 'Ask who sent you the link to let you in.'}
    </Notice>
  )
}

function Notice({ title, action, children }: { title: string; action: ReactNode; children: ReactNode }) {
  return (
    <div role="alert" className="grid flex-1 place-items-center p-6 text-center">
      <div>
        <FleetScene className="mx-auto mb-5 w-48" />
        <p className="text-xl font-semibold tracking-[-0.02em]">{title}</p>
        <p className="mt-1.5 mb-6 max-w-sm text-muted-foreground">{children}</p>
        {action}
      </div>
    </div>
  )
}

function LoadingMessages() {
  return (
    <div
      role="status"
      aria-label="Loading messages"
      className="flex flex-1 flex-col justify-end gap-5 overflow-hidden px-4 pb-4 sm:px-6"
    >
      {['w-2/5', 'w-3/5', 'w-1/3', 'w-1/2'].map((width) => (
        <div key={width} className="flex gap-3">
          <Skeleton className="size-9 rounded-[0.7em]" />
          <div className="flex-1 space-y-2 pt-0.5">
            <Skeleton className="h-3.5 w-24" />
            <Skeleton className={`h-3.5 ${width}`} />
          </div>
        </div>
      ))}
    </div>
  )
}
