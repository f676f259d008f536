import {
  BanIcon,
  FlagIcon,
  MessageCircleIcon,
  MoreHorizontalIcon,
  PencilIcon,
  SmileIcon,
  SmilePlusIcon,
  Trash2Icon,
} from 'lucide-react'
import type { ComponentProps } from 'react'
import type { Seq, User, UserId } from '@flotilla/protocol/frames.ts'
import { isGuest } from '@/components/guest'
import { Button } from '@/components/ui/button'
import { Menu, MenuContent, MenuItem, MenuSeparator, MenuTrigger } from '@/components/ui/menu'
import { EmojiChoice } from '@/features/messages/emoji-choice'
import { ReactionPicker } from '@/features/messages/message-reactions'
import type { Reaction } from '@/features/messages/reactions'
import { cn } from '@/lib/utils'

/** What can be done about messages; the same object as long as nothing of it changes. */
export interface MessageDeeds {
  /** The reader keeps order here: others' messages, too, may be deleted. */
  readonly isKeeper: boolean
  /** The reader may say something here now, and so react, too. */
  readonly mayWrite: boolean
  /** Whom the reader does not want to read. */
  readonly blocked: ReadonlySet<UserId>
  react: (seq: Seq, emoji: string, on: boolean) => void
  showReactions: (seq: Seq) => void
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
  reactions: readonly Reaction[]
  deeds: MessageDeeds
  onReact: (emoji: string, on: boolean) => void
  onEdit: () => void
}

/** Over the upper edge of the message when it is pointed at; where nothing can be, in a place of its own at its end. */
export function MessageActions(props: MessageActionsProps) {
  const { author, me, reactions, deeds, onReact } = props
  const hasMenu = deeds.mayWrite || reactions.length > 0 || (author.id !== me.id && !isGuest(me))
  if (!hasMenu) return null
  return (
    <div
      data-slot="message-actions"
      className={cn(
        'absolute -top-3 right-3 z-10 flex rounded-lg border bg-card p-0.5 opacity-0 shadow-xs sm:right-6',
        'group-hover:opacity-100 has-focus-visible:opacity-100 has-data-[state=open]:opacity-100',
        'touch:static touch:-mr-2 touch:h-10 touch:border-0 touch:group-data-opens:-mt-2 touch:bg-transparent touch:p-0 touch:opacity-100 touch:shadow-none',
      )}
    >
      {deeds.mayWrite && (
        <ReactionPicker reactions={reactions} me={me} onReact={onReact}>
          <Act aria-label={`React to this message of ${author.name}`} title="React" className="touch:hidden">
            <SmilePlusIcon className="size-4" />
          </Act>
        </ReactionPicker>
      )}
      <ActionMenu {...props} />
    </div>
  )
}

function Act({ className, ...props }: ComponentProps<typeof Button>) {
  return (
    <Button
      variant="ghost"
      size="icon-sm"
      className={cn('size-7 focus-visible:-outline-offset-2', className)}
      {...props}
    />
  )
}

function ActionMenu({ seq, author, me, reactions, deeds, onReact, onEdit }: MessageActionsProps) {
  const isOwn = author.id === me.id
  const isAccountToo = !isGuest(me) && !isGuest(author)
  const mayDelete = deeds.mayWrite && (isOwn || deeds.isKeeper)
  const hasItems = reactions.length > 0 || mayDelete || (!isOwn && !isGuest(me))
  return (
    <Menu>
      <MenuTrigger asChild>
        <Act aria-label={`What to do about this message of ${author.name}`} title="More">
          <MoreHorizontalIcon className="size-4 touch:opacity-70" />
        </Act>
      </MenuTrigger>
      <MenuContent>
        {deeds.mayWrite && (
          <>
            <EmojiChoice reactions={reactions} me={me} lines={1} onReact={onReact} />
            {hasItems && <MenuSeparator />}
          </>
        )}
        {reactions.length > 0 && (
          <MenuItem onSelect={() => deeds.showReactions(seq)}>
            <SmileIcon /> Who reacted
          </MenuItem>
        )}
        {isOwn && deeds.mayWrite && (
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
        {mayDelete && (
          <MenuItem tone="grave" onSelect={() => deeds.delete(seq)}>
            <Trash2Icon /> Delete
          </MenuItem>
        )}
      </MenuContent>
    </Menu>
  )
}
