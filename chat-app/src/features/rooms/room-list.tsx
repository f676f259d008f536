import { ArchiveIcon, HashIcon, LockIcon, MailIcon, PlusIcon } from 'lucide-react'
import { useState, type ComponentProps, type ReactNode } from 'react'
import type { RoomFacts } from '@flotilla/protocol/control.ts'
import type { RoomId, User } from '@flotilla/protocol/frames.ts'
import { wordsFor, type ApiProblem } from '@/balancer/api'
import { isGuest } from '@/components/guest'
import { InAppLink } from '@/components/in-app-link'
import { Avatar } from '@/components/person'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { Skeleton } from '@/components/ui/skeleton'
import { Tooltip } from '@/components/ui/tooltip'
import { pathOfRoom } from '@/features/rooms/room-path'
import { titleOf, type Rooms } from '@/features/rooms/rooms'
import { cn } from '@/lib/utils'
import { useStore } from '@/use-store'

export interface Unread {
  readonly count: number
  /** One of them names the reader. */
  readonly isNamed: boolean
}

type RoomListProps = ComponentProps<'nav'> & {
  rooms: Rooms
  me: User
  open: RoomId
  unread: ReadonlyMap<RoomId, Unread>
  onOpen: (id: RoomId) => void
  onCreate: () => void
  onTalkTo: () => void
}

export function RoomList({
  rooms,
  me,
  open,
  unread,
  onOpen,
  onCreate,
  onTalkTo,
  className,
  ...props
}: RoomListProps) {
  const state = useStore(rooms)
  const invited = state.rooms.filter(({ membership }) => membership === 'invited')
  const direct = state.rooms.filter(({ visibility }) => visibility === 'direct')
  const others = state.rooms.filter((room) => !invited.includes(room) && !direct.includes(room))
  const link = (room: RoomFacts) => (
    <li key={room.roomId}>
      <RoomLink
        room={room}
        me={me}
        isOpen={room.roomId === open}
        unread={unread.get(room.roomId)}
        onOpen={onOpen}
      />
    </li>
  )
  return (
    <nav
      aria-label="Rooms"
      className={cn('quiet-scroll flex min-h-0 flex-col gap-4 overflow-y-auto pb-3', className)}
      {...props}
    >
      {invited.length > 0 && (
        <Group title="Invitations">
          {invited.map((room) => (
            <Invitation key={room.roomId} room={room} rooms={rooms} onOpen={onOpen} />
          ))}
        </Group>
      )}
      <Group title="Rooms" action={<Add label="New room" onClick={onCreate} />}>
        {state.status === 'loading' && <LoadingRooms />}
        {others.map(link)}
      </Group>
      {!isGuest(me) && (
        <Group title="Direct" action={<Add label="New message to one person" onClick={onTalkTo} />}>
          {direct.map(link)}
        </Group>
      )}
    </nav>
  )
}

function Group({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <section>
      <div className="flex min-h-8 items-center justify-between pr-2 pb-1 pl-4">
        <h2 className="text-[0.8125rem] font-semibold">{title}</h2>
        {action}
      </div>
      <ul className="space-y-0.5 px-2">{children}</ul>
    </section>
  )
}

function Add({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <Tooltip content={label}>
      <Button variant="ghost" size="icon-sm" aria-label={label} onClick={onClick}>
        <PlusIcon className="size-4" />
      </Button>
    </Tooltip>
  )
}

interface RoomLinkProps {
  room: RoomFacts
  me: User
  isOpen: boolean
  unread: Unread | undefined
  onOpen: (id: RoomId) => void
}

function RoomLink({ room, me, isOpen, unread, onOpen }: RoomLinkProps) {
  // In the open room the list of messages itself says what is new.
  const count = isOpen ? 0 : (unread?.count ?? 0)
  return (
    <InAppLink
      href={pathOfRoom(room.roomId)}
      aria-current={isOpen ? 'page' : undefined}
      data-unread={count > 0 || undefined}
      className={cn(
        'group flex h-9 touch:h-10 items-center gap-2 rounded-md px-2 text-sm text-muted-foreground transition-colors hover:bg-accent/70 hover:text-foreground',
        'aria-[current=page]:bg-accent aria-[current=page]:font-medium aria-[current=page]:text-accent-foreground',
        'data-unread:font-semibold data-unread:text-foreground',
      )}
      onOpen={() => onOpen(room.roomId)}
    >
      <RoomMark room={room} me={me} />
      <span className="min-w-0 flex-1 truncate">{titleOf(room, me, room.roomId)}</span>
      {count > 0 && (
        <Badge tone={unread?.isNamed ? 'signal' : 'quiet'} aria-label={`${count} unread`}>
          {count > 99 ? '99+' : count}
        </Badge>
      )}
    </InAppLink>
  )
}

/** What kind of room it is, to the eye; in words it stands where one looks closer. */
function RoomMark({ room, me }: { room: RoomFacts; me: User }) {
  const other = room.people?.find(({ id }) => id !== me.id)
  if (other !== undefined) return <Avatar user={other} className="size-5 text-[0.5rem]" />
  const Icon = room.archived === true ? ArchiveIcon : room.visibility === 'private' ? LockIcon : HashIcon
  return <Icon aria-hidden className="size-4 shrink-0 opacity-60" />
}

function Invitation({
  room,
  rooms,
  onOpen,
}: {
  room: RoomFacts
  rooms: Rooms
  onOpen: (id: RoomId) => void
}) {
  const [problem, setProblem] = useState<ApiProblem>()
  async function accept() {
    const answer = await rooms.join(room.roomId)
    if (answer.ok) onOpen(room.roomId)
    else setProblem(answer.problem)
  }
  async function decline() {
    const answer = await rooms.leave(room.roomId)
    if (!answer.ok) setProblem(answer.problem)
  }
  return (
    <li className="mx-0.5 rounded-lg border bg-card px-2.5 py-2 text-sm">
      <p className="flex items-center gap-2 font-medium">
        <MailIcon aria-hidden className="size-4 shrink-0 opacity-60" />
        <span className="min-w-0 truncate">{room.name}</span>
      </p>
      <p role="alert" className="text-[0.8125rem] text-destructive empty:hidden">
        {problem && wordsFor(problem)}
      </p>
      <div className="mt-1.5 flex gap-1">
        <Button size="sm" className="flex-1" onClick={() => void accept()}>
          Join<span className="sr-only"> {room.name}</span>
        </Button>
        <Button variant="ghost" size="sm" onClick={() => void decline()}>
          Decline<span className="sr-only"> {room.name}</span>
        </Button>
      </div>
    </li>
  )
}

function LoadingRooms() {
  return (
    <li aria-label="Loading rooms" className="space-y-2 px-2 py-1.5">
      <Skeleton className="h-5 w-3/5" />
      <Skeleton className="h-5 w-2/5" />
      <Skeleton className="h-5 w-1/2" />
    </li>
  )
}
