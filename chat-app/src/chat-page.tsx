import { LogOutIcon } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { flushSync } from 'react-dom'
import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { FLEET_PATH } from '@/address'
import type { AppState } from '@/app-state'
import type { Chat } from '@/chat'
import { isGuest } from '@/components/guest'
import { Mark } from '@/components/fleet-art'
import { Avatar, GuestMark } from '@/components/person'
import { Button } from '@/components/ui/button'
import { Sheet } from '@/components/ui/sheet'
import { Tooltip } from '@/components/ui/tooltip'
import { Conversation } from '@/conversation'
import { AccountDialog } from '@/features/account/account-dialog'
import { ConnectionStatus } from '@/features/fleet/connection-status'
import { FleetLink } from '@/features/fleet/fleet-link'
import type { MessageDeeds } from '@/features/messages/message-actions'
import { ReactionsDialog } from '@/features/messages/reactions-dialog'
import { useMayWrite } from '@/features/messages/use-may-write'
import { PeopleList } from '@/features/people/people-list'
import { CreateRoomDialog } from '@/features/rooms/create-room-dialog'
import { LinkDialog } from '@/features/rooms/link-dialog'
import { ReportDialog } from '@/features/rooms/report-dialog'
import { RoomList } from '@/features/rooms/room-list'
import { RoomDetailsDialog, type DetailsTab } from '@/features/rooms/details/room-details-dialog'
import { GENERAL, titleOf } from '@/features/rooms/rooms'
import { ShareDialog } from '@/features/rooms/share-dialog'
import { TalkToDialog } from '@/features/rooms/talk-to-dialog'
import { ThemeToggle } from '@/features/theme/theme-toggle'
import { RoomHeader, type HeaderOverlay } from '@/room-header'
import { useStore } from '@/use-store'

type Overlay = HeaderOverlay | 'create' | 'account' | 'talk'

/** The whole screen of a signed-in person. On a phone the sides are sheets. */
export function ChatPage({ app, chat }: { app: AppState; chat: Chat }) {
  const feed = useStore(chat.current)
  const { members, count, status, view } = useStore(feed)
  const { rooms } = useStore(chat.rooms)
  const [overlay, setOverlay] = useState<Overlay>()
  const room = rooms.find(({ roomId }) => roomId === feed.id)
  const name = titleOf(room, chat.me, feed.id)
  const visibility = view?.visibility ?? room?.visibility ?? 'public'
  const [tab, setTab] = useState<DetailsTab>('about')
  // One that went tells so when another may have taken its place.
  const toggle = (which: Overlay) => (isOpen: boolean) =>
    setOverlay((shown) => (isOpen ? which : shown === which ? undefined : shown))
  const open = (id: RoomId) => {
    // At once: a dialog gives the focus back as it goes, and the room would have taken it for its composer before.
    flushSync(() => setOverlay(undefined))
    app.address.goToRoom(id)
    chat.reopen(id)
  }
  const [reported, setReported] = useState<Seq>()
  const [reactedTo, setReactedTo] = useState<Seq>()
  const link = useStore(app.address.link)
  const mayWrite = useMayWrite(view)
  const isKeeper = view?.role === 'owner' || view?.role === 'moderator'
  const { blocked: blockedPeople } = useStore(chat.account)
  const blocked = useMemo(() => new Set(blockedPeople.map(({ id }) => id)), [blockedPeople])
  const deeds = useMemo<MessageDeeds>(
    () => ({
      isKeeper,
      mayWrite,
      blocked,
      react: (seq, emoji, on) => feed.react(seq, emoji, on),
      showReactions: setReactedTo,
      edit: (seq, text) => feed.edit(seq, text),
      delete: (seq) => feed.delete(seq),
      report: setReported,
      block: ({ id }) => void (blocked.has(id) ? chat.account.unblock(id) : chat.account.block(id)),
      talkTo: (user) =>
        void chat.rooms.talkTo(user.name).then((answer) => {
          if (answer.ok) app.address.goToRoom(answer.value)
        }),
    }),
    [app, chat, feed, isKeeper, mayWrite, blocked],
  )
  useTitle(chat, name)
  const office = useMemo(() => chat.office(feed.id), [chat, feed.id])

  const side = (
    <Side
      app={app}
      chat={chat}
      onOpen={open}
      onCreate={() => setOverlay('create')}
      onAccount={() => setOverlay('account')}
      onTalkTo={() => setOverlay('talk')}
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
        <RoomHeader
          name={name}
          visibility={visibility}
          topic={view?.topic}
          count={count}
          status={<ConnectionStatus line={chat.line} isBesideWords={view?.topic !== undefined} />}
          onOverlay={setOverlay}
        />
        <Conversation
          key={feed.id}
          chat={chat}
          feed={feed}
          roomName={visibility === 'public' ? `#${name}` : name}
          visibility={visibility}
          deeds={deeds}
          onShare={() => setOverlay('share')}
          onInvite={isKeeper ? () => (setTab('people'), setOverlay('details')) : undefined}
          onLeave={() => app.address.goToRoom(GENERAL)}
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
      {link !== undefined && (
        <LinkDialog
          key={link.secret}
          link={link}
          rooms={chat.rooms}
          me={chat.me}
          onEnter={() => app.address.settleLink(link.room)}
          onDecline={() => app.address.settleLink(GENERAL)}
          onMakeAccount={() => setOverlay('account')}
        />
      )}
      <ReactionsDialog feed={feed} seq={reactedTo} me={chat.me} onClose={() => setReactedTo(undefined)} />
      <ReportDialog office={office} seq={reported} onClose={() => setReported(undefined)} />
      <TalkToDialog
        rooms={chat.rooms}
        open={overlay === 'talk'}
        onOpenChange={toggle('talk')}
        onOpened={open}
      />
      <RoomDetailsDialog
        key={feed.id}
        room={room}
        office={office}
        rooms={chat.rooms}
        me={chat.me}
        here={members}
        tab={tab}
        onTab={setTab}
        onGone={() => open(GENERAL)}
        open={overlay === 'details'}
        onOpenChange={toggle('details')}
      />
      <CreateRoomDialog
        rooms={chat.rooms}
        canBePrivate={!isGuest(chat.me)}
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
      <ShareDialog
        room={feed.id}
        name={name}
        isPrivate={room !== undefined && room.visibility !== 'public'}
        open={overlay === 'share'}
        onOpenChange={toggle('share')}
      />
    </div>
  )
}

interface SideProps {
  app: AppState
  chat: Chat
  onOpen: (id: RoomId) => void
  onCreate: () => void
  onAccount: () => void
  onTalkTo: () => void
}

function Side({ app, chat, onOpen, onCreate, onAccount, onTalkTo }: SideProps) {
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
        me={chat.me}
        open={room}
        unread={unread}
        onOpen={onOpen}
        onCreate={onCreate}
        onTalkTo={onTalkTo}
        className="flex-1"
      />
      <div className="px-2 pb-2">
        <FleetLink line={chat.line} href={FLEET_PATH} onOpen={() => app.address.goToFleet()} />
      </div>
      <div className="flex items-center gap-2.5 border-t px-4 py-3">
        <button
          type="button"
          className="-m-1.5 flex min-w-0 flex-1 items-center gap-2.5 rounded-md p-1.5 text-left hover:bg-accent"
          onClick={onAccount}
        >
          <Avatar user={chat.me} className="size-8 text-xs" />
          <span className="flex min-w-0 flex-1 flex-col leading-tight">
            <span className="sr-only">Your account, </span>
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
