import { ShipIcon } from 'lucide-react'
import { FLEET_PATH } from '@/address'
import type { AppState } from '@/app-state'
import { ChatPage } from '@/chat-page'
import { InAppLink } from '@/components/in-app-link'
import { Button } from '@/components/ui/button'
import { Tooltip, TooltipProvider } from '@/components/ui/tooltip'
import { GENERAL } from '@/features/rooms/rooms'
import { SignInPage } from '@/features/sign-in/sign-in-page'
import { ThemeToggle } from '@/features/theme/theme-toggle'
import { FleetScreen } from '@/fleet-screen'
import { useStore } from '@/use-store'

export function App({ app }: { app: AppState }) {
  const page = useStore(app.address.page)
  const chat = useStore(app.chat)
  return (
    <TooltipProvider delayDuration={350}>
      {page === 'fleet' ? (
        <FleetScreen app={app} chat={chat} />
      ) : chat ? (
        <ChatPage app={app} chat={chat} />
      ) : (
        <Entrance app={app} />
      )}
    </TooltipProvider>
  )
}

function Entrance({ app }: { app: AppState }) {
  const room = useStore(app.address.room)
  const link = useStore(app.address.link)
  const corner = (
    <>
      <Tooltip content="Fleet">
        <Button asChild variant="ghost" size="icon-sm">
          <InAppLink href={FLEET_PATH} aria-label="Fleet" onOpen={() => app.address.goToFleet()}>
            <ShipIcon className="size-4" />
          </InAppLink>
        </Button>
      </Tooltip>
      <ThemeToggle theme={app.theme} />
    </>
  )
  return (
    <SignInPage
      session={app.session}
      invitation={link ? 'link' : room === GENERAL ? 'none' : 'room'}
      corner={corner}
    />
  )
}
