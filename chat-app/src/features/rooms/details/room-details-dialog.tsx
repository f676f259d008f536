import type { RoomFacts } from '@flotilla/protocol/control.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import { Dialog } from '@/components/ui/dialog'
import { Tabs, TabsContent, TabsList, TabsTrigger } from '@/components/ui/tabs'
import { AboutTab } from '@/features/rooms/details/about-tab'
import { LogTab } from '@/features/rooms/details/log-tab'
import { PeopleTab } from '@/features/rooms/details/people-tab'
import { SettingsTab } from '@/features/rooms/details/settings-tab'
import type { RoomOffice } from '@/features/rooms/room-office'
import { titleOf, type Rooms } from '@/features/rooms/rooms'

export interface RoomDetailsProps {
  room: RoomFacts
  office: RoomOffice
  rooms: Rooms
  me: User
  /** Who is here now, members or not. */
  here: readonly User[]
  /** The room is left, or gone. */
  onGone: () => void
}

type RoomDetailsDialogProps = Omit<RoomDetailsProps, 'room'> & {
  room: RoomFacts | undefined
  tab: DetailsTab
  onTab: (tab: DetailsTab) => void
  open: boolean
  onOpenChange: (open: boolean) => void
}

export type DetailsTab = 'about' | 'people' | 'settings' | 'log'

/** What a room is, who is in it, and for those who keep it, what can be done about both. */
export function RoomDetailsDialog({
  room,
  tab,
  onTab,
  open,
  onOpenChange,
  ...given
}: RoomDetailsDialogProps) {
  const role = room?.membership
  const isKeeper = (role === 'owner' || role === 'moderator') && room?.visibility !== 'direct'
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={titleOf(room, given.me, given.office.id)}
      className="h-[min(40rem,calc(100dvh-2rem))] w-[min(36rem,calc(100vw-1.5rem))] overflow-y-auto"
    >
      {open && room !== undefined && (
        <Tabs
          value={isKeeper || tab === 'people' ? tab : 'about'}
          onValueChange={(next) => onTab(next as DetailsTab)}
          className="mt-3"
        >
          <TabsList aria-label="About this room">
            <TabsTrigger value="about">About</TabsTrigger>
            <TabsTrigger value="people">People</TabsTrigger>
            {isKeeper && <TabsTrigger value="settings">Settings</TabsTrigger>}
            {isKeeper && <TabsTrigger value="log">Log</TabsTrigger>}
          </TabsList>
          <TabsContent value="about">
            <AboutTab room={room} {...given} />
          </TabsContent>
          <TabsContent value="people">
            <PeopleTab room={room} {...given} />
          </TabsContent>
          {isKeeper && (
            <TabsContent value="settings">
              <SettingsTab room={room} {...given} />
            </TabsContent>
          )}
          {isKeeper && (
            <TabsContent value="log">
              <LogTab room={room} {...given} />
            </TabsContent>
          )}
        </Tabs>
      )}
    </Dialog>
  )
}
