import type { PendingChange } from '@flotilla/protocol/client/outbox.ts'
import type { User } from '@flotilla/protocol/frames.ts'

/** One emoji put to a message, and by whom, in the order in which they did. */
export interface Reaction {
  readonly emoji: string
  readonly users: readonly User[]
  /** The reader's own word on it is not in the log yet. */
  readonly isSending?: true
}

export const NO_REACTIONS: readonly Reaction[] = []

/** After somebody put an emoji, or took it back: the very same if that was so already. */
export function reacted(
  reactions: readonly Reaction[],
  user: User,
  emoji: string,
  on: boolean,
): readonly Reaction[] {
  const before = reactions.find((reaction) => reaction.emoji === emoji)
  if (hasReacted(before, user) === on) return reactions
  if (before === undefined) return [...reactions, { emoji, users: [user] }]
  const users = on ? [...before.users, user] : before.users.filter(({ id }) => id !== user.id)
  return users.length === 0
    ? reactions.filter((reaction) => reaction !== before)
    : reactions.map((reaction) => (reaction === before ? { ...reaction, users } : reaction))
}

export function hasReacted(reaction: Reaction | undefined, { id }: Pick<User, 'id'>): boolean {
  return reaction?.users.some((user) => user.id === id) ?? false
}

/** With what the reader said and the log does not hold yet, in order; what was refused is not shown. */
export function withPending(
  reactions: readonly Reaction[],
  pending: readonly PendingChange[],
  me: User,
): readonly Reaction[] {
  const sent = pending.flatMap(({ change, state }) =>
    change.type === 'react' && state === 'sending' ? [change] : [],
  )
  if (sent.length === 0) return reactions
  const shown = sent.reduce((all, { emoji, on }) => reacted(all, me, emoji, on), reactions)
  const emojis = new Set(sent.map(({ emoji }) => emoji))
  return shown.map((one) => (emojis.has(one.emoji) ? { ...one, isSending: true } : one))
}

const MOST_NAMES = 8

/** "you", "bo and you", "ana, bo and 12 others": who put one emoji to a message. */
export function whoReacted({ users }: Reaction, me: Pick<User, 'id'>): string {
  const names = users.map((user) => (user.id === me.id ? 'you' : user.name))
  const shown = names.length > MOST_NAMES ? names.slice(0, MOST_NAMES - 1) : names
  const others = names.length - shown.length
  const all = others === 0 ? shown : [...shown, `${others} others`]
  const last = all.at(-1) ?? ''
  return all.length < 2 ? last : `${all.slice(0, -1).join(', ')} and ${last}`
}
