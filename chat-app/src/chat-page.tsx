import { LogOutIcon, MenuIcon, Share2Icon, UsersIcon } from 'lucide-react'
import { useEffect, useState } from 'react'
import { flushSync } from 'react-dom'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { FLEET_PATH } from '@/address'
import type { AppState } from '@/app-state'
import type { Chat } from '@/chat'
import { Mark } from '@/components/fleet-art'
import { Avatar, GuestMark } from '@/components/person'
import { Button } from '@/components/ui/button'
import { Sheet } from '@/components/ui/sheet'
import { Tooltip } from '@/components/ui/tooltip'
import { Conversation } from '@/conversation'
import { AccountDialog } from '@/features/account/account-dialog'
import { ConnectionStatus } from '@/features/fleet/connection-status'
import { FleetLink } from '@/features/fleet/fleet-link'
import { PeopleList } from '@/features/people/people-list'
import { CreateRoomDialog } from '@/features/rooms/create-room-dialog'
import { RoomList } from '@/features/rooms/room-list'
import { ShareDialog } from '@/features/rooms/share-dialog'
import { ThemeToggle } from '@/features/theme/theme-toggle'
import { useStore } from '@/use-store'

type Overlay = 'rooms' | 'people' | 'create' | 'share' | 'account'

/** The whole screen of a signed-in person. On a phone the sides are sheets. */
export function ChatPage({ app, chat }: { app: AppState; chat: Chat }) {
  const feed = useStore(chat.current)
  const { members, count, status } = useStore(feed)
  const { rooms } = useStore(chat.rooms)
  const [overlay, setOverlay] = useState<Overlay>()
  const name = rooms.find((room) => room.roomId === feed.id)?.name ?? feed.id
  // One that went tells so when another may have taken its place.
  const toggle = (which: Overlay) => (isOpen: boolean) =>
    setOverlay((shown) => (isOpen ? which : shown === which ? undefined : shown))
  const open = (id: RoomId) => {
    // At once: a dialog gives the focus back as it goes, and the room would have taken it for its composer before.
    flushSync(() => setOverlay(undefined))
    app.address.goToRoom(id)
  }
  useTitle(chat, name)

  const side = (
    <Side
      app={app}
      chat={chat}
      onOpen={open}
      onCreate={() => setOverlay('create')}
      onAccount={() => setOverlay('account')}
    />
  )
  const people = (
    <PeopleList
      members={members}
      count={count}
      me={chat.me}
      isStale={status === 'recovering'}
      className="flex-1"
    />
  )
  return (
    <div className="app-height grid grid-cols-1 overflow-hidden md:grid-cols-[16.5rem_minmax(0,1fr)] xl:grid-cols-[16.5rem_minmax(0,1fr)_15rem]">
      <aside className="hidden min-h-0 flex-col md:flex">{side}</aside>
      <main className="flex min-h-0 min-w-0 flex-col overflow-hidden bg-background md:my-2.5 md:mr-2.5 md:rounded-2xl md:border md:shadow-lift xl:mr-0">
        <header className="flex items-center gap-1 border-b px-2 pt-[env(safe-area-inset-top)] sm:px-4 md:pl-6">
          <Button
            variant="ghost"
            size="icon"
            aria-label="Rooms"
            className="md:hidden"
            onClick={() => setOverlay('rooms')}
          >
            <MenuIcon className="size-5" />
          </Button>
          <div className="min-w-0 flex-1 py-2.5 pl-1 md:pl-0">
            <h1 className="truncate leading-tight font-semibold tracking-[-0.01em]">
              <span aria-hidden className="mr-0.5 font-normal text-muted-foreground">
                #
              </span>
              {name}
            </h1>
            <ConnectionStatus line={chat.line} className="mt-0.5" />
          </div>
          <Tooltip content="Share a link to this room">
            <Button
              variant="ghost"
              size="icon"
              aria-label="Share this room"
              onClick={() => setOverlay('share')}
            >
              <Share2Icon className="size-[1.125rem]" />
            </Button>
          </Tooltip>
          <Button
            variant="ghost"
            className="h-9 gap-1.5 px-2.5 tabular-nums xl:hidden"
            aria-label={`People, ${count} here`}
            onClick={() => setOverlay('people')}
          >
            <UsersIcon className="size-[1.125rem]" /> {count}
          </Button>
        </header>
        <Conversation
          key={feed.id}
          chat={chat}
          feed={feed}
          roomName={name}
          onShare={() => setOverlay('share')}
          onLeave={() => app.address.goToRoom('general')}
          onSignIn={() => app.reconnect()}
        />
      </main>
      <aside className="hidden min-h-0 flex-col xl:flex">{people}</aside>

      <Sheet side="left" aria-label="Rooms" open={overlay === 'rooms'} onOpenChange={toggle('rooms')}>
        {side}
      </Sheet>
      <Sheet side="right" aria-label="People" open={overlay === 'people'} onOpenChange={toggle('people')}>
        {people}
      </Sheet>
      <CreateRoomDialog
        rooms={chat.rooms}
        open={overlay === 'create'}
        onOpenChange={toggle('create')}
        onCreated={open}
      />
      <AccountDialog
        me={chat.me}
        account={chat.account}
        session={app.session}
        open={overlay === 'account'}
        onOpenChange={toggle('account')}
      />
      <ShareDialog room={feed.id} name={name} open={overlay === 'share'} onOpenChange={toggle('share')} />
    </div>
  )
}

interface SideProps {
  app: AppState
  chat: Chat
  onOpen: (id: RoomId) => void
  onCreate: () => void
  onAccount: () => void
}

function Side({ app, chat, onOpen, onCreate, onAccount }: SideProps) {
  const unread = useStore(chat.unread)
  const room = useStore(app.address.room)
  return (
    <>
      <div className="flex items-center gap-2.5 px-4 pt-5 pb-6">
        <Mark className="size-7" />
        <span className="text-[1.0625rem] font-semibold tracking-[-0.02em]">Flotilla</span>
      </div>
      <RoomList
        rooms={chat.rooms}
        open={room}
        unread={unread}
        onOpen={onOpen}
        onCreate={onCreate}
        className="flex-1"
      />
      <div className="px-2 pb-2">
        <FleetLink line={chat.line} href={FLEET_PATH} onOpen={() => app.address.goToFleet()} />
      </div>
      <div className="flex items-center gap-2.5 border-t px-4 py-3">
        <button
          type="button"
          aria-label={`Your account, ${chat.me.name}`}
          className="-m-1.5 flex min-w-0 flex-1 items-center gap-2.5 rounded-md p-1.5 text-left hover:bg-accent"
          onClick={onAccount}
        >
          <Avatar user={chat.me} className="size-8 text-xs" />
          <span className="flex min-w-0 flex-1 flex-col leading-tight">
            <span className="truncate text-sm font-medium">{chat.me.name}</span>
            <GuestMark user={chat.me} />
          </span>
        </button>
        <ThemeToggle theme={app.theme} />
        <Tooltip content="Leave">
          <Button variant="ghost" size="icon-sm" aria-label="Leave" onClick={() => app.session.leave()}>
            <LogOutIcon className="size-4" />
          </Button>
        </Tooltip>
      </div>
    </>
  )
}

/** The number of unread messages in the tab's title, where one looks while elsewhere. */
function useTitle(chat: Chat, roomName: string) {
  const unread = useStore(chat.unread)
  const total = [...unread.values()].reduce((sum, { count }) => sum + count, 0)
  useEffect(() => {
    document.title = `${total > 0 ? `(${total}) ` : ''}${roomName} · Flotilla`
    return () => {
      document.title = 'Flotilla'
    }
  }, [total, roomName])
}
