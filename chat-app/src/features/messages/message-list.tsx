import { ArrowDownIcon, LoaderCircleIcon } from 'lucide-react'
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type ComponentProps,
  type ReactNode,
} from 'react'
import { Virtualizer, type CustomContainerComponentProps, type VirtualizerHandle } from 'virtua'
import type { User } from '@flotilla/protocol/frames.ts'
import { Button } from '@/components/ui/button'
import { dateAndTime, dayName, timeOfDay } from '@/features/messages/dates'
import { focusComposerOnDesktop } from '@/features/messages/focus-composer'
import { useToday } from '@/features/messages/use-today'
import type { MessageDeeds } from '@/features/messages/message-actions'
import { MessageItem } from '@/features/messages/message-item'
import type { RoomFeed } from '@/features/messages/room-feed'
import { NO_REACTIONS } from '@/features/messages/reactions'
import { startChanged, type Row } from '@/features/messages/rows'
import { cn } from '@/lib/utils'
import { useStore } from '@/use-store'

type MessageListProps = ComponentProps<'div'> & {
  feed: RoomFeed
  me: User
  deeds: MessageDeeds
  /** Stands above the first message of the room. */
  beginning: ReactNode
}

/** Nearer to the end than this counts as there. */
const END_PX = 32
/** What goes up when the list itself has the focus. */
const KEYS_UP = new Set(['ArrowUp', 'PageUp', 'Home'])
/** A finger that moved less is only not quite still. */
const TAP_PX = 16
/** Nearer to the start than this the next page is read, so that one rarely sees the seam. */
const START_PX = 900

/**
 * The conversation. Only what is in sight is in the page. Whoever is at the end stays there as messages come;
 * whoever reads further up is not moved, neither by new messages nor by older pages.
 */
export function MessageList({ feed, me, deeds, beginning, className, ...props }: MessageListProps) {
  const { rows, older, unread, status, complete } = useStore(feed)
  const list = useRef<VirtualizerHandle>(null)
  const scroller = useRef<HTMLDivElement>(null)
  const follows = useRef(true)
  /** The reader is on the way up from the end, maybe not far yet. */
  const isLeaving = useRef(false)
  const touchedAt = useRef(0)
  const lastOffset = useRef(0)
  const [isAtEnd, setIsAtEnd] = useState(true)
  const shift = useStartChange(rows)

  // Not by the list's own way to an index: for a while it goes on correcting itself, against whoever scrolls up meanwhile.
  const toEnd = useCallback(() => {
    follows.current = true
    isLeaving.current = false
    const { current } = scroller
    if (!current) return
    current.scrollTop = current.scrollHeight
    lastOffset.current = current.scrollTop
  }, [])

  const lastRow = rows.at(-1)
  const lastOwnKey = rows.findLast(
    (row) => row.kind === 'own' || (row.kind === 'message' && row.message.user.id === me.id),
  )?.key
  const ownSendKey = lastRow?.kind === 'own' ? lastRow.key : undefined
  // Whoever speaks wants to see it.
  useLayoutEffect(() => {
    if (ownSendKey !== undefined) follows.current = true
  }, [ownSendKey])
  useLayoutEffect(() => {
    if (follows.current) toEnd()
  }, [rows, toEnd])

  // A short page of history, or few messages on a tall screen, leave nothing to scroll: then nothing would ask for more.
  useEffect(() => {
    if (status !== 'live' || complete) return
    const frame = requestAnimationFrame(() => {
      const { current } = list
      if (current && (current.scrollSize - current.viewportSize < START_PX / 2 || current.scrollOffset < 1))
        void feed.loadOlder()
    })
    return () => cancelAnimationFrame(frame)
  }, [feed, rows, status, complete])

  useEffect(() => feed.setAtEnd(isAtEnd), [feed, isAtEnd])

  const retry = useCallback((id: string) => (feed.retry(id), focusComposerOnDesktop()), [feed])
  const discard = useCallback((id: string) => (feed.discard(id), focusComposerOnDesktop()), [feed])

  function goToEnd() {
    setIsAtEnd(true)
    toEnd()
  }

  /** At the first move: where many talk, the next message would be there before the reader is out of reach of the end. */
  function leaveEnd() {
    if ((scroller.current?.scrollTop ?? 0) <= 0) return // nothing is above
    isLeaving.current = true
    follows.current = false
    setIsAtEnd(false)
  }

  function follow(offset: number) {
    const { current } = list
    if (!current) return
    const toGo = current.scrollSize - current.viewportSize - offset
    if (offset > lastOffset.current) isLeaving.current = false
    if (toGo <= END_PX && !isLeaving.current) follows.current = true
    // Growing content and a shrinking window make the way longer, too; only going up is a wish to leave the end.
    else if (offset < lastOffset.current - 1) follows.current = false
    lastOffset.current = offset
    setIsAtEnd(follows.current)
    if (offset < START_PX) void feed.loadOlder()
  }

  return (
    <div className={cn('relative min-h-0', className)} {...props}>
      <div
        ref={scroller}
        role="log"
        aria-label="Messages"
        aria-live="off"
        tabIndex={0}
        className="quiet-scroll flex h-full flex-col overflow-y-auto overscroll-contain [overflow-anchor:none] focus-visible:-outline-offset-2"
        onKeyDown={(event) => {
          const isOwn = event.target === event.currentTarget
          if (event.key === 'Escape' || (event.key === 'End' && isOwn)) goToEnd()
          else if (KEYS_UP.has(event.key) && isOwn) leaveEnd()
        }}
        onWheel={(event) => {
          if (event.deltaY < 0 && !event.ctrlKey) leaveEnd() // with Ctrl it zooms the page
        }}
        onTouchStart={(event) => {
          touchedAt.current = event.touches[0]?.clientY ?? 0
        }}
        onTouchMove={(event) => {
          if ((event.touches[0]?.clientY ?? 0) > touchedAt.current + TAP_PX) leaveEnd()
        }}
      >
        <div className="grow" />
        <Virtualizer
          ref={list}
          as={Rows}
          data={rows}
          shift={shift}
          bufferSize={600}
          onScroll={follow}
          onResize={() => {
            if (follows.current) toEnd()
          }}
        >
          {(row) => (
            <div key={row.key} data-row={row.kind}>
              <RowView
                row={row}
                me={me}
                deeds={deeds}
                onRetry={retry}
                onDiscard={discard}
                beginning={beginning}
                isNewest={row === lastRow && isAtEnd}
                isLastOwn={row.key === lastOwnKey}
              />
            </div>
          )}
        </Virtualizer>
      </div>
      {older === 'loading' && <LoadingOlder />}
      {older === 'failed' && <NoOlder onRetry={() => (feed.retryOlder(), scroller.current?.focus())} />}
      {!isAtEnd && <ToEnd unread={unread} onClick={() => (goToEnd(), focusComposerOnDesktop())} />}
    </div>
  )
}

/** The list would not let anything in it be clicked while it scrolls, which it does with every message that comes. */
function Rows({ style, ...props }: CustomContainerComponentProps) {
  return <div style={{ ...style, pointerEvents: undefined }} {...props} />
}

/** True in just those draws whose rows begin elsewhere than the rows before. */
function useStartChange(rows: readonly Row[]): boolean {
  const [seen, setSeen] = useState({ rows, shift: false })
  if (seen.rows === rows) return seen.shift
  const next = { rows, shift: startChanged(seen.rows, rows) }
  setSeen(next)
  return next.shift
}

interface RowViewProps {
  row: Row
  me: User
  deeds: MessageDeeds
  onRetry: (id: string) => void
  onDiscard: (id: string) => void
  beginning: ReactNode
  isNewest: boolean
  isLastOwn: boolean
}

function RowView({ row, me, deeds, onRetry, onDiscard, beginning, isNewest, isLastOwn }: RowViewProps) {
  switch (row.kind) {
    case 'beginning':
      return beginning
    case 'day':
      return <DayDivider ts={row.ts} />
    case 'unread':
      return <Divider tone="signal">New</Divider>
    case 'note':
      return <Note ts={row.ts} words={row.words} />
    // One component at one place for both: a send becomes an entry without being drawn anew.
    case 'own':
    case 'message': {
      const item =
        row.kind === 'own'
          ? { ...row.send, seq: undefined, author: me, ts: row.send.at, reactions: NO_REACTIONS }
          : { ...row.message, author: row.message.user, code: undefined }
      return (
        <MessageItem
          id={item.id}
          seq={item.seq}
          author={item.author}
          text={item.text}
          ts={item.ts}
          state={item.state}
          code={item.code}
          reactions={item.reactions}
          opens={row.opens}
          me={me}
          isNewest={isNewest}
          isLastOwn={isLastOwn}
          onRetry={onRetry}
          onDiscard={onDiscard}
          deeds={deeds}
        />
      )
    }
  }
}

function Note({ ts, words }: { ts: number; words: string }) {
  return (
    <p
      data-slot="note"
      className="px-4 py-1 pl-16 text-[0.8125rem] break-words text-muted-foreground sm:px-6 sm:pl-[4.5rem]"
    >
      {words}{' '}
      <time
        dateTime={new Date(ts).toISOString()}
        title={dateAndTime(ts)}
        className="text-[0.6875rem] tabular-nums"
      >
        {timeOfDay(ts)}
      </time>
    </p>
  )
}

function DayDivider({ ts }: { ts: number }) {
  return <Divider>{dayName(ts, useToday())}</Divider>
}

function Divider({ tone = 'quiet', children }: { tone?: 'quiet' | 'signal'; children: ReactNode }) {
  return (
    <div
      role="separator"
      data-tone={tone}
      className="flex items-center gap-3 px-4 pt-4 pb-1 text-xs font-medium text-muted-foreground data-[tone=signal]:text-signal sm:px-6"
    >
      <span className="h-px flex-1 bg-border in-data-[tone=signal]:bg-signal/50" />
      {children}
      <span className="h-px flex-1 bg-border in-data-[tone=signal]:bg-signal/50" />
    </div>
  )
}

const ABOVE =
  'absolute inset-x-0 top-3 mx-auto flex w-fit max-w-[calc(100%-2rem)] items-center gap-2 rounded-full border bg-card px-3 py-1.5 text-xs text-muted-foreground shadow-lift'

function LoadingOlder() {
  return (
    <div role="status" className={cn(ABOVE, 'pointer-events-none')}>
      <LoaderCircleIcon aria-hidden className="size-3.5 animate-spin" /> Earlier messages
    </div>
  )
}

function NoOlder({ onRetry }: { onRetry: () => void }) {
  return (
    <div role="status" data-slot="no-older" className={ABOVE}>
      Earlier messages cannot be read now.
      <Button variant="link" size="inline" onClick={onRetry}>
        Try again
      </Button>
    </div>
  )
}

function ToEnd({ unread, onClick }: { unread: number; onClick: () => void }) {
  const words = unread === 0 ? 'Latest messages' : unread === 1 ? '1 new message' : `${unread} new messages`
  return (
    <Button
      variant="outline"
      size="sm"
      data-slot="to-end"
      data-unread={unread > 0 || undefined}
      className="absolute inset-x-0 bottom-3 mx-auto w-fit animate-arrive rounded-full bg-card shadow-lift data-unread:border-transparent data-unread:bg-primary data-unread:text-primary-foreground data-unread:hover:bg-primary/90"
      onClick={onClick}
    >
      {words} <ArrowDownIcon className="size-3.5" />
    </Button>
  )
}
