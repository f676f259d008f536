import { ArrowLeftIcon } from 'lucide-react'
import type { AppState } from '@/app-state'
import type { Chat } from '@/chat'
import { InAppLink } from '@/components/in-app-link'
import { Button } from '@/components/ui/button'
import { Tooltip } from '@/components/ui/tooltip'
import { FleetPage } from '@/features/fleet/fleet-page'
import { pathOfRoom } from '@/features/rooms/room-path'
import { ThemeToggle } from '@/features/theme/theme-toggle'
import { useStore } from '@/use-store'

type ScreenProps = { app: AppState; chat: Chat | undefined }

/** The fleet page, with what the chat knows, for those who are in it: names of rooms, and one's own server. */
export function FleetScreen({ app, chat }: ScreenProps) {
  return chat ? <MembersFleet app={app} chat={chat} /> : <Fleet app={app} own={undefined} nameOf={asItIs} />
}

function MembersFleet({ app, chat }: { app: AppState; chat: Chat }) {
  const { rooms } = useStore(chat.rooms)
  const { mood, server } = useStore(chat.line)
  const names = new Map(rooms.map(({ roomId, name }) => [roomId, name]))
  return (
    <Fleet
      app={app}
      own={mood === 'calm' ? server : undefined}
      nameOf={(room) => names.get(room) ?? asItIs(room)}
    />
  )
}

const asItIs = (room: string) => room

type FleetProps = { app: AppState; own: string | undefined; nameOf: (room: string) => string }

function Fleet({ app, own, nameOf }: FleetProps) {
  const room = useStore(app.address.room)
  const back = (
    <Tooltip content="Back to the chat">
      <Button asChild variant="ghost" size="icon" className="-ml-2">
        <InAppLink
          href={pathOfRoom(room)}
          aria-label="Back to the chat"
          onOpen={() => app.address.goToRoom(room)}
        >
          <ArrowLeftIcon className="size-5" />
        </InAppLink>
      </Button>
    </Tooltip>
  )
  return (
    <FleetPage
      watch={app.fleet}
      own={own}
      nameOf={nameOf}
      back={back}
      corner={<ThemeToggle theme={app.theme} />}
    />
  )
}
