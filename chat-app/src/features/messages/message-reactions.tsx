import { SmilePlusIcon } from 'lucide-react'
import { memo, type ComponentProps, type ReactElement } from 'react'
import type { User } from '@flotilla/protocol/frames.ts'
import { Menu, MenuContent, MenuTrigger } from '@/components/ui/menu'
import { Tooltip } from '@/components/ui/tooltip'
import { EmojiChoice } from '@/features/messages/emoji-choice'
import { hasReacted, whoReacted, type Reaction } from '@/features/messages/reactions'
import { cn } from '@/lib/utils'

interface ReactingProps {
  reactions: readonly Reaction[]
  me: User
  onReact: (emoji: string, on: boolean) => void
}

type MessageReactionsProps = ReactingProps & {
  /** The reader may say something here. */
  mayReact: boolean
}

/** More kinds are counted only: whoever wants to can put thousands. */
const MOST_KINDS = 24
const CHIP =
  'relative inline-flex h-7 items-center justify-center rounded-full border text-xs touch:h-8 touch:text-[0.8125rem] touch:after:absolute touch:after:-inset-1.5'

/** The emoji under a message, each with how many put it. Memoised: other parts of a message change without them. */
export const MessageReactions = memo(function MessageReactions({
  reactions,
  me,
  mayReact,
  onReact,
}: MessageReactionsProps) {
  const more = reactions.length - MOST_KINDS
  return (
    <div
      role="group"
      aria-label="Reactions"
      data-slot="reactions"
      className="flex flex-wrap items-center gap-1 pt-1 pb-0.5 touch:gap-2.5 touch:pt-1.5 touch:pb-0"
    >
      {reactions.slice(0, MOST_KINDS).map((reaction) => (
        <Chip
          key={reaction.emoji}
          reaction={reaction}
          me={me}
          {...(mayReact
            ? { onClick: () => onReact(reaction.emoji, !hasReacted(reaction, me)) }
            : { 'aria-disabled': true })}
        />
      ))}
      {more > 0 && <span className="px-1 text-xs text-muted-foreground">and {more} more</span>}
      {mayReact && (
        <ReactionPicker reactions={reactions} me={me} onReact={onReact}>
          <button
            type="button"
            aria-label="Add a reaction"
            className={cn(
              CHIP,
              'w-8 text-muted-foreground hover:border-input hover:bg-accent hover:text-accent-foreground data-[state=open]:bg-accent touch:w-10',
            )}
          >
            <SmilePlusIcon className="size-3.5 touch:size-4" />
          </button>
        </ReactionPicker>
      )}
    </div>
  )
})

type ChipProps = ComponentProps<'button'> & { reaction: Reaction; me: User }

function Chip({ reaction, me, ...props }: ChipProps) {
  const { emoji, users, isSending } = reaction
  const who = whoReacted(reaction, me)
  return (
    <Tooltip
      content={
        <span className="flex items-center gap-2">
          <span className="font-emoji text-xl leading-none">{emoji}</span> {who}
        </span>
      }
    >
      <button
        type="button"
        data-slot="reaction"
        data-sending={isSending}
        aria-pressed={hasReacted(reaction, me)}
        aria-label={`${emoji} ${users.length}: ${who}`}
        className={cn(
          CHIP,
          'min-w-11 gap-1.5 bg-muted px-2 font-medium text-muted-foreground tabular-nums transition-[background-color,border-color,color,opacity] duration-150 touch:min-w-12 touch:px-2.5',
          'not-aria-disabled:hover:border-input not-aria-disabled:hover:bg-accent aria-disabled:cursor-default',
          'aria-pressed:border-primary/60 aria-pressed:bg-accent aria-pressed:text-accent-foreground aria-pressed:hover:border-primary',
          'data-sending:border-dashed',
        )}
        {...props}
      >
        <span className="font-emoji text-[0.9375rem] leading-none touch:text-[1.0625rem]">{emoji}</span>
        {users.length}
      </button>
    </Tooltip>
  )
}

/** Opens a handful of emoji at what is inside. */
export function ReactionPicker({
  reactions,
  me,
  onReact,
  children,
}: ReactingProps & { children: ReactElement }) {
  return (
    <Menu>
      <MenuTrigger asChild>{children}</MenuTrigger>
      <MenuContent className="min-w-0">
        <EmojiChoice reactions={reactions} me={me} lines={2} onReact={onReact} />
      </MenuContent>
    </Menu>
  )
}
