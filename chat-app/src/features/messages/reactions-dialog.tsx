import type { Seq, User } from '@flotilla/protocol/frames.ts'
import { Avatar, GuestMark } from '@/components/person'
import { Dialog } from '@/components/ui/dialog'
import { NO_REACTIONS, type Reaction } from '@/features/messages/reactions'
import type { RoomFeed } from '@/features/messages/room-feed'
import { useStore } from '@/use-store'

interface ReactionsDialogProps {
  feed: RoomFeed
  /** Of the message; undefined: the dialog is closed. */
  seq: Seq | undefined
  me: User
  onClose: () => void
}

/** Who reacted to a message: all of them, also where nothing can be hovered over. */
export function ReactionsDialog({ feed, seq, me, onClose }: ReactionsDialogProps) {
  const { rows } = useStore(feed)
  const row =
    seq === undefined ? undefined : rows.find((one) => one.kind === 'message' && one.message.seq === seq)
  const reactions = row?.kind === 'message' ? row.message.reactions : NO_REACTIONS
  return (
    <Dialog
      open={seq !== undefined}
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose()
      }}
      focusesItself
      title="Reactions"
      description={reactions.length === 0 ? 'There are none any more.' : undefined}
      className="max-h-[min(32rem,calc(100dvh-2rem))] overflow-y-auto"
    >
      <ul className="mt-4 space-y-5">
        {reactions.map((reaction) => (
          <ByOneEmoji key={reaction.emoji} reaction={reaction} me={me} />
        ))}
      </ul>
    </Dialog>
  )
}

function ByOneEmoji({ reaction: { emoji, users }, me }: { reaction: Reaction; me: User }) {
  return (
    <li>
      <h3 className="mb-1.5 flex items-center gap-2 text-[0.8125rem] font-semibold tabular-nums">
        <span className="font-emoji text-xl leading-none">{emoji}</span> {users.length}
      </h3>
      <ul>
        {users.map((user) => (
          <li key={user.id} className="flex min-h-9 items-center gap-2.5">
            <Avatar user={user} className="size-7 text-[0.6875rem]" />
            <span className="min-w-0 truncate text-sm">{user.name}</span>
            <GuestMark user={user} />
            {user.id === me.id && <span className="text-[0.6875rem] text-muted-foreground">you</span>}
          </li>
        ))}
      </ul>
    </li>
  )
}
