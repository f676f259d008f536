import type { AppState } from '@/app-state'
import { ChatPage } from '@/chat-page'
import { TooltipProvider } from '@/components/ui/tooltip'
import { GENERAL } from '@/features/rooms/rooms'
import { SignInPage } from '@/features/sign-in/sign-in-page'
import { ThemeToggle } from '@/features/theme/theme-toggle'
import { useStore } from '@/use-store'

export function App({ app }: { app: AppState }) {
  const chat = useStore(app.chat)
  const room = useStore(app.path)
  return (
    <TooltipProvider delayDuration={350}>
      {chat ? (
        <ChatPage app={app} chat={chat} />
      ) : (
        <SignInPage
          session={app.session}
          hasInvitation={room !== GENERAL}
          corner={<ThemeToggle theme={app.theme} />}
        />
      )}
    </TooltipProvider>
  )
}
