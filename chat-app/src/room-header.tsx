import { InfoIcon, LockIcon, MenuIcon, Share2Icon, UsersIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import type { RoomFacts } from '@flotilla/protocol/control.ts'
import { Button } from '@/components/ui/button'
import { Tooltip } from '@/components/ui/tooltip'

export type HeaderOverlay = 'rooms' | 'people' | 'details' | 'share'

interface RoomHeaderProps {
  name: string
  visibility: RoomFacts['visibility']
  topic: string | undefined
  /** People here. */
  count: number
  /** How the connection is. */
  status: ReactNode
  onOverlay: (which: HeaderOverlay) => void
}

/** Which room it is, how one is connected to it, and what can be opened about it. */
export function RoomHeader({ name, visibility, topic, count, status, onOverlay }: RoomHeaderProps) {
  return (
    <header className="flex items-center gap-1 border-b px-2 pt-[env(safe-area-inset-top)] sm:px-4 md:pl-6">
      <Button
        variant="ghost"
        size="icon"
        aria-label="Rooms"
        className="md:hidden"
        onClick={() => onOverlay('rooms')}
      >
        <MenuIcon className="size-5" />
      </Button>
      <div className="min-w-0 flex-1 py-2.5 pl-1 md:pl-0">
        <h1 className="truncate leading-tight font-semibold tracking-[-0.01em]">
          <RoomSign visibility={visibility} />
          {name}
        </h1>
        <div className="mt-0.5 flex min-w-0 items-baseline gap-3">
          {status}
          {topic !== undefined && (
            <p data-slot="topic" title={topic} className="min-w-0 truncate text-xs text-muted-foreground">
              {topic}
            </p>
          )}
        </div>
      </div>
      <HeaderButton label="About this room" icon={InfoIcon} onClick={() => onOverlay('details')} />
      <HeaderButton label="Share this room" icon={Share2Icon} onClick={() => onOverlay('share')} />
      <Button
        variant="ghost"
        className="h-9 gap-1.5 px-2.5 tabular-nums touch:h-10 xl:hidden"
        aria-label={`People, ${count} here`}
        onClick={() => onOverlay('people')}
      >
        <UsersIcon className="size-[1.125rem]" /> {count}
      </Button>
    </header>
  )
}

interface HeaderButtonProps {
  label: string
  icon: typeof InfoIcon
  onClick: () => void
}

function HeaderButton({ label, icon: Icon, onClick }: HeaderButtonProps) {
  return (
    <Tooltip content={label}>
      <Button variant="ghost" size="icon" aria-label={label} onClick={onClick}>
        <Icon className="size-[1.125rem]" />
      </Button>
    </Tooltip>
  )
}

function RoomSign({ visibility }: { visibility: RoomFacts['visibility'] }) {
  if (visibility === 'direct') return null
  return (
    <span aria-hidden className="mr-0.5 font-normal text-muted-foreground">
      {visibility === 'private' ? <LockIcon className="mr-1 inline size-4 -translate-y-px" /> : '#'}
    </span>
  )
}
