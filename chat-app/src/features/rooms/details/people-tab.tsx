import { MoreHorizontalIcon } from 'lucide-react'
import { useEffect, useState, type FormEvent, type ReactNode } from 'react'
import type { User } from '@flotilla/protocol/frames.ts'
import { wordsFor } from '@/balancer/api'
import { isGuest } from '@/components/guest'
import { Avatar, GuestMark } from '@/components/person'
import { Button } from '@/components/ui/button'
import { Input } from '@/components/ui/input'
import { Menu, MenuContent, MenuItem, MenuTrigger } from '@/components/ui/menu'
import { useTask } from '@/features/account/use-task'
import type { RoomDetailsProps } from '@/features/rooms/details/room-details-dialog'
import { useStore } from '@/use-store'

type Standing = 'owner' | 'moderator' | 'member' | undefined
interface Deed {
  words: string
  verb: string
  more?: object
  isGrave?: boolean
}

/** What somebody of this standing may do to one of that. The home judges it all the same. */
function deedsOn(mine: Standing, theirs: Standing, isMuted: boolean, user: User): Deed[] {
  const isOwner = mine === 'owner'
  const isKeeper = isOwner || mine === 'moderator'
  if (!isKeeper || theirs === 'owner' || (theirs === 'moderator' && !isOwner)) return []
  const isMember = theirs !== undefined
  return [
    ...(isOwner && theirs === 'member'
      ? [{ words: 'Make a moderator', verb: 'role', more: { role: 'moderator' } }]
      : []),
    ...(isOwner && theirs === 'moderator'
      ? [{ words: 'Make a plain member', verb: 'role', more: { role: 'member' } }]
      : []),
    ...(isOwner && isMember && !isGuest(user)
      ? [{ words: 'Hand the room over', verb: 'owner', isGrave: true }]
      : []),
    isMuted
      ? { words: 'Let speak again', verb: 'unmute' }
      : { words: 'Mute for 10 minutes', verb: 'mute', more: { minutes: 10 } },
    ...(isMuted ? [] : [{ words: 'Mute for a day', verb: 'mute', more: { minutes: 24 * 60 } }]),
    ...(isMember ? [{ words: 'Remove', verb: 'remove', isGrave: true }] : []),
    { words: 'Ban', verb: 'ban', isGrave: true },
  ]
}

export function PeopleTab({ room, office, me, here }: RoomDetailsProps) {
  const { members, count, invited, banned } = useStore(office)
  const task = useTask()
  // Who comes may have accepted an invitation, and who goes may have been sent out.
  useEffect(() => void office.lookAtMembers(), [office, here])
  const mine = room.membership === 'invited' ? undefined : room.membership
  const isKeeper = (mine === 'owner' || mine === 'moderator') && room.visibility !== 'direct'
  const known = new Set([...members.map(({ user }) => user), ...invited].map(({ id }) => id))
  const visitors = here.filter(({ id }) => !known.has(id))
  const act = (user: User) => (deed: Deed) => void task.run(() => office.actOn(deed.verb, user, deed.more))

  return (
    <div className="space-y-5">
      {isKeeper && <InviteForm onInvite={(name, done) => void task.run(() => office.invite(name), done)} />}
      <p role="alert" className="text-sm text-destructive empty:hidden">
        {task.problem && wordsFor(task.problem)}
      </p>
      {members.length > 0 && (
        <Group title={`Members, ${count}`}>
          {members.map(({ user, role, mutedUntil }) => (
            <PersonRow
              key={user.id}
              user={user}
              says={[
                user.id === me.id ? 'you' : '',
                role === 'member' ? '' : role,
                mutedUntil === undefined ? '' : 'muted',
              ]}
              deeds={user.id === me.id ? [] : deedsOn(mine, role, mutedUntil !== undefined, user)}
              onDo={act(user)}
            />
          ))}
        </Group>
      )}
      {visitors.length > 0 && (
        <Group title="Here, but no members">
          {visitors.map((user) => (
            <PersonRow
              key={user.id}
              user={user}
              says={[user.id === me.id ? 'you' : '']}
              deeds={user.id === me.id ? [] : deedsOn(mine, undefined, false, user)}
              onDo={act(user)}
            />
          ))}
        </Group>
      )}
      {invited.length > 0 && (
        <Group title="Invited">
          {invited.map((user) => (
            <PersonRow
              key={user.id}
              user={user}
              deeds={[{ words: 'Take the invitation back', verb: 'uninvite' }]}
              onDo={act(user)}
            />
          ))}
        </Group>
      )}
      {banned.length > 0 && (
        <Group title="Banned">
          {banned.map(({ user }) => (
            <PersonRow
              key={user.id}
              user={user}
              deeds={[{ words: 'Lift the ban', verb: 'unban' }]}
              onDo={act(user)}
            />
          ))}
        </Group>
      )}
    </div>
  )
}

function InviteForm({ onInvite }: { onInvite: (name: string, done: () => void) => void }) {
  const [name, setName] = useState('')
  function submit(event: FormEvent) {
    event.preventDefault()
    if (name.trim() !== '') onInvite(name.trim(), () => setName(''))
  }
  return (
    <form className="flex gap-2" onSubmit={submit}>
      <Input
        aria-label="Name of whom to invite"
        value={name}
        onChange={(event) => setName(event.target.value)}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        maxLength={64}
        placeholder="Invite by name"
      />
      <Button type="submit" className="h-11" disabled={name.trim() === ''}>
        Invite
      </Button>
    </form>
  )
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3 className="mb-1 text-[0.8125rem] font-semibold">{title}</h3>
      <ul>{children}</ul>
    </section>
  )
}

interface PersonRowProps {
  user: User
  says?: readonly string[]
  deeds: readonly Deed[]
  onDo: (deed: Deed) => void
}

function PersonRow({ user, says = [], deeds, onDo }: PersonRowProps) {
  return (
    <li className="flex min-h-10 items-center gap-2.5">
      <Avatar user={user} className="size-7 text-[0.6875rem]" />
      <span className="min-w-0 truncate text-sm">{user.name}</span>
      <GuestMark user={user} />
      <span className="text-[0.6875rem] text-muted-foreground">{says.filter(Boolean).join(', ')}</span>
      <span className="flex-1" />
      {deeds.length > 0 && (
        <Menu>
          <MenuTrigger asChild>
            <Button variant="ghost" size="icon-sm" aria-label={`What to do about ${user.name}`}>
              <MoreHorizontalIcon className="size-4" />
            </Button>
          </MenuTrigger>
          <MenuContent isInDialog>
            {deeds.map((deed) => (
              <MenuItem
                key={deed.words}
                tone={deed.isGrave === true ? 'grave' : 'plain'}
                onSelect={() => onDo(deed)}
              >
                {deed.words}
              </MenuItem>
            ))}
          </MenuContent>
        </Menu>
      )}
    </li>
  )
}
