import { HashIcon, PlusIcon } from 'lucide-react'
import type { ComponentProps } from 'react'
import type { RoomFacts } from '@flotilla/protocol/control.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { InAppLink } from '@/components/in-app-link'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { Skeleton } from '@/components/ui/skeleton'
import { Tooltip } from '@/components/ui/tooltip'
import { pathOfRoom } from '@/features/rooms/room-path'
import type { Rooms } from '@/features/rooms/rooms'
import { cn } from '@/lib/utils'
import { useStore } from '@/use-store'

export interface Unread {
  readonly count: number
  /** One of them names the reader. */
  readonly isNamed: boolean
}

type RoomListProps = ComponentProps<'nav'> & {
  rooms: Rooms
  open: RoomId
  unread: ReadonlyMap<RoomId, Unread>
  onOpen: (id: RoomId) => void
  onCreate: () => void
}

export function RoomList({ rooms, open, unread, onOpen, onCreate, className, ...props }: RoomListProps) {
  const state = useStore(rooms)
  return (
    <nav aria-label="Rooms" className={cn('flex min-h-0 flex-col', className)} {...props}>
      <div className="flex items-center justify-between pr-2 pb-1 pl-4">
        <h2 className="text-[0.8125rem] font-semibold">Rooms</h2>
        <Tooltip content="New room">
          <Button variant="ghost" size="icon-sm" aria-label="New room" onClick={onCreate}>
            <PlusIcon className="size-4" />
          </Button>
        </Tooltip>
      </div>
      <ul className="quiet-scroll min-h-0 flex-1 space-y-0.5 overflow-y-auto px-2 pb-3">
        {state.status === 'loading' && <LoadingRooms />}
        {state.rooms.map((room) => (
          <li key={room.roomId}>
            <RoomLink
              room={room}
              isOpen={room.roomId === open}
              unread={unread.get(room.roomId)}
              onOpen={onOpen}
            />
          </li>
        ))}
      </ul>
    </nav>
  )
}

interface RoomLinkProps {
  room: RoomFacts
  isOpen: boolean
  unread: Unread | undefined
  onOpen: (id: RoomId) => void
}

function RoomLink({ room, isOpen, unread, onOpen }: RoomLinkProps) {
  // In the open room the list of messages itself says what is new.
  const count = isOpen ? 0 : (unread?.count ?? 0)
  return (
    <InAppLink
      href={pathOfRoom(room.roomId)}
      aria-current={isOpen ? 'page' : undefined}
      data-unread={count > 0 || undefined}
      className={cn(
        'group flex h-9 items-center gap-2 rounded-md px-2 text-sm text-muted-foreground transition-colors hover:bg-accent/70 hover:text-foreground',
        'aria-[current=page]:bg-accent aria-[current=page]:font-medium aria-[current=page]:text-accent-foreground',
        'data-unread:font-semibold data-unread:text-foreground',
      )}
      onOpen={() => onOpen(room.roomId)}
    >
      <HashIcon aria-hidden className="size-4 shrink-0 opacity-60" />
      <span className="min-w-0 flex-1 truncate">{room.name}</span>
      {count > 0 && (
        <Badge tone={unread?.isNamed ? 'signal' : 'quiet'} aria-label={`${count} unread`}>
          {count > 99 ? '99+' : count}
        </Badge>
      )}
    </InAppLink>
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
