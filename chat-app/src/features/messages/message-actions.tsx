import {
  BanIcon,
  FlagIcon,
  MessageCircleIcon,
  MoreHorizontalIcon,
  PencilIcon,
  Trash2Icon,
} from 'lucide-react'
import type { Seq, User, UserId } from '@flotilla/protocol/frames.ts'
import { isGuest } from '@/components/guest'
import { Button } from '@/components/ui/button'
import { Menu, MenuContent, MenuItem, MenuTrigger } from '@/components/ui/menu'

/** What can be done about messages; the same object as long as nothing of it changes. */
export interface MessageDeeds {
  /** The reader keeps order here: others' messages, too, may be deleted. */
  readonly isKeeper: boolean
  /** Whom the reader does not want to read. */
  readonly blocked: ReadonlySet<UserId>
  edit: (seq: Seq, text: string) => void
  delete: (seq: Seq) => void
  report: (seq: Seq) => void
  block: (user: User) => void
  talkTo: (user: User) => void
}

interface MessageActionsProps {
  seq: Seq
  author: User
  me: User
  deeds: MessageDeeds
  onEdit: () => void
}

export function MessageActions({ seq, author, me, deeds, onEdit }: MessageActionsProps) {
  const isOwn = author.id === me.id
  const isAccountToo = !isGuest(me) && !isGuest(author)
  const hasAny = isOwn || deeds.isKeeper || !isGuest(me)
  if (!hasAny) return null
  return (
    <Menu>
      <MenuTrigger asChild>
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label={`What to do about this message of ${author.name}`}
          className="absolute top-0.5 right-2 size-7 border bg-card opacity-0 shadow-xs group-hover:opacity-100 focus-visible:opacity-100 data-[state=open]:opacity-100 max-md:size-8 sm:right-6 [@media(hover:none)]:opacity-60"
        >
          <MoreHorizontalIcon className="size-4" />
        </Button>
      </MenuTrigger>
      <MenuContent>
        {isOwn && (
          <MenuItem onSelect={onEdit}>
            <PencilIcon /> Edit
          </MenuItem>
        )}
        {!isOwn && isAccountToo && (
          <MenuItem onSelect={() => deeds.talkTo(author)}>
            <MessageCircleIcon /> Message {author.name}
          </MenuItem>
        )}
        {!isOwn && !isGuest(me) && (
          <MenuItem onSelect={() => deeds.report(seq)}>
            <FlagIcon /> Report
          </MenuItem>
        )}
        {!isOwn && isAccountToo && (
          <MenuItem onSelect={() => deeds.block(author)}>
            <BanIcon /> {deeds.blocked.has(author.id) ? 'Unblock' : 'Block'} {author.name}
          </MenuItem>
        )}
        {(isOwn || deeds.isKeeper) && (
          <MenuItem tone="grave" onSelect={() => deeds.delete(seq)}>
            <Trash2Icon /> Delete
          </MenuItem>
        )}
      </MenuContent>
    </Menu>
  )
}
