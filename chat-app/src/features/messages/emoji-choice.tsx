import type { KeyboardEvent } from 'react'
import type { User } from '@flotilla/protocol/frames.ts'
import { MenuCheckItem } from '@/components/ui/menu'
import { hasReacted, type Reaction } from '@/features/messages/reactions'

const PER_LINE = 6
/** The first line is what most people mean most of the time. */
const EMOJI: readonly (readonly [string, string])[] = [
  ['👍', 'Thumbs up'],
  ['❤️', 'Heart'],
  ['😂', 'Tears of joy'],
  ['🎉', 'Hooray'],
  ['😮', 'Astonished'],
  ['😢', 'Sad'],
  ['👀', 'Looking'],
  ['🙏', 'Thank you'],
  ['✅', 'Done'],
  ['🔥', 'Fire'],
  ['🤔', 'Thinking'],
  ['👎', 'Thumbs down'],
]

interface EmojiChoiceProps {
  reactions: readonly Reaction[]
  me: User
  /** How many lines of them. */
  lines: 1 | 2
  onReact: (emoji: string, on: boolean) => void
}

/** Inside a menu: a handful of emoji, those marked that one has put already. Arrows go as the eye does. */
export function EmojiChoice({ reactions, me, lines, onReact }: EmojiChoiceProps) {
  return (
    <div role="group" aria-label="React" data-slot="emoji-choice" className="grid grid-cols-6 gap-0.5">
      {EMOJI.slice(0, PER_LINE * lines).map(([emoji, name]) => {
        const isMine = hasReacted(
          reactions.find((reaction) => reaction.emoji === emoji),
          me,
        )
        return (
          <MenuCheckItem
            key={emoji}
            checked={isMine}
            aria-label={name}
            textValue={name}
            title={name}
            className="size-9 font-emoji text-xl leading-none touch:size-11 touch:text-2xl"
            onCheckedChange={(on) => onReact(emoji, on)}
            onKeyDown={goOn}
          >
            <span aria-hidden>{emoji}</span>
          </MenuCheckItem>
        )
      })}
    </div>
  )
}

/** A menu knows up and down only, one after the other. */
function goOn(event: KeyboardEvent<HTMLElement>): void {
  const choice = event.currentTarget.parentElement
  const menu = event.currentTarget.closest('[role=menu]')
  if (choice === null || menu === null) return
  const items = [...menu.querySelectorAll<HTMLElement>('[role^=menuitem]:not([data-disabled])')]
  const at = items.indexOf(event.currentTarget)
  const count = choice.childElementCount
  const to = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowUp: at - PER_LINE,
    ArrowDown: Math.min(at + PER_LINE, count),
  }[event.key]
  if (to === undefined) return
  event.preventDefault() // or the menu would take one step of its own
  items[to]?.focus()
}
