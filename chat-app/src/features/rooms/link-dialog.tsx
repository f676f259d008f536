import { LockIcon, UsersIcon } from 'lucide-react'
import { useEffect, useState, type ReactNode } from 'react'
import type { User } from '@flotilla/protocol/frames.ts'
import type { RoomPreview } from '@flotilla/protocol/rooms-api.ts'
import { wordsFor, type ApiProblem } from '@/balancer/api'
import { isGuest } from '@/components/guest'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { useTask } from '@/features/account/use-task'
import type { RoomLink } from '@/features/rooms/room-path'
import type { Rooms } from '@/features/rooms/rooms'

interface LinkDialogProps {
  link: RoomLink
  rooms: Rooms
  me: User
  /** The reader is in, or was before. */
  onEnter: () => void
  onDecline: () => void
  onMakeAccount: () => void
}

type Found =
  | { status: 'looking' }
  | { status: 'leads'; room: RoomPreview }
  | { status: 'bad' }
  | { status: 'failed'; problem: ApiProblem }

/** A link does nothing by itself: who opened it sees where it leads, and is asked. */
export function LinkDialog(props: LinkDialogProps) {
  return isGuest(props.me) ? <ForAccountsOnly {...props} /> : <Question {...props} />
}

function Question({ link, rooms, onEnter, onDecline }: LinkDialogProps) {
  const [found, setFound] = useState<Found>({ status: 'looking' })
  const [tries, setTries] = useState(0)
  const task = useTask()
  useEffect(() => {
    let isOver = false
    void look(rooms, link).then((now) => {
      if (!isOver) setFound(now)
    })
    return () => {
      isOver = true
    }
  }, [rooms, link, tries])
  const isIn = found.status === 'leads' && isOpenTo(found.room)
  useEffect(() => {
    if (isIn) onEnter()
  }, [isIn, onEnter])

  async function join() {
    const answer = await rooms.join(link.room, link.secret)
    if (answer.ok) return undefined
    if (answer.problem === 'no_such_room') setFound({ status: 'bad' }) // it ended meanwhile
    return answer.problem
  }
  if (found.status === 'looking' || isIn) return null
  if (found.status === 'bad')
    return (
      <Box
        title="This link leads nowhere"
        onClose={onDecline}
        actions={<Button onClick={onDecline}>All right</Button>}
      >
        It may be mistyped, it may have ended, or be used up. Ask who gave it to you for a new one.
      </Box>
    )
  if (found.status === 'failed')
    return (
      <Box
        title="Where this link leads is not known yet"
        onClose={onDecline}
        actions={
          <>
            <Button variant="ghost" onClick={onDecline}>
              Not now
            </Button>
            <Button onClick={() => setTries(tries + 1)}>Try again</Button>
          </>
        }
      >
        {wordsFor(found.problem)}
      </Box>
    )
  const { name, topic, count, archived } = found.room
  if (archived === true)
    return (
      <Box
        title={`${name} is archived`}
        onClose={onDecline}
        actions={<Button onClick={onDecline}>All right</Button>}
      >
        Nobody can join it any more.
      </Box>
    )
  return (
    <Box
      title={`Join ${name}?`}
      onClose={onDecline}
      problem={task.problem}
      actions={
        <>
          <Button variant="ghost" onClick={onDecline}>
            Not now
          </Button>
          <Button disabled={task.isBusy} onClick={() => void task.run(join, onEnter)}>
            {task.isBusy ? 'Joining…' : 'Join'}
          </Button>
        </>
      }
    >
      {topic !== undefined && (
        <span className="mb-3 line-clamp-5 text-foreground break-words whitespace-pre-line">{topic}</span>
      )}
      <span className="flex flex-wrap gap-x-4 gap-y-1">
        <span className="inline-flex items-center gap-1.5">
          <LockIcon aria-hidden className="size-3.5" /> Private room
        </span>
        <span className="inline-flex items-center gap-1.5">
          <UsersIcon aria-hidden className="size-3.5" /> {count === 1 ? '1 member' : `${count} members`}
        </span>
      </span>
    </Box>
  )
}

function ForAccountsOnly({ onDecline, onMakeAccount }: LinkDialogProps) {
  const [isAside, setIsAside] = useState(false)
  if (isAside) return null
  return (
    <Box
      title="It takes an account to go in"
      onClose={onDecline}
      actions={
        <>
          <Button variant="ghost" onClick={onDecline}>
            Not now
          </Button>
          <Button
            onClick={() => {
              setIsAside(true)
              onMakeAccount()
            }}
          >
            Make an account
          </Button>
        </>
      }
    >
      This link leads to a private room, and guests are not let in there. Make an account of the name you
      have, and you are asked whether to join.
    </Box>
  )
}

interface BoxProps {
  title: string
  problem?: ApiProblem | undefined
  actions: ReactNode
  onClose: () => void
  children: ReactNode
}

function Box({ title, problem, actions, onClose, children }: BoxProps) {
  return (
    <Dialog
      data-slot="link-dialog"
      open
      focusesItself // neither answer is nearer than the other
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose()
      }}
      title={title}
      description={children}
    >
      <p role="alert" className="mt-3 text-sm text-destructive empty:hidden">
        {problem && wordsFor(problem)}
      </p>
      <div className="mt-6 flex justify-end gap-2">{actions}</div>
    </Dialog>
  )
}

const SECRET = /^[A-Za-z0-9_-]{32}$/

async function look(rooms: Rooms, { room, secret }: RoomLink): Promise<Found> {
  // One that was cut short lets nobody in; but who is in already may have come by it all the same.
  const answer = await rooms.preview(room, SECRET.test(secret) ? secret : undefined)
  if (answer.ok) return { status: 'leads', room: answer.value }
  return answer.problem === 'no_such_room' || answer.problem === 'forbidden'
    ? { status: 'bad' }
    : { status: 'failed', problem: answer.problem }
}

/** There is nothing to ask: he is in, or may come and go as he likes. */
function isOpenTo({ visibility, membership }: RoomPreview): boolean {
  return visibility === 'public' || (membership !== undefined && membership !== 'invited')
}
