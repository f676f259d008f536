import { HashIcon, LockIcon } from 'lucide-react'
import { useRef, useState, type FormEvent, type ReactNode } from 'react'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { wordsFor, type ApiProblem } from '@/balancer/api'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { Input } from '@/components/ui/input'
import type { Rooms } from '@/features/rooms/rooms'

interface CreateRoomDialogProps {
  rooms: Rooms
  /** Guests are nobody in particular: they make public rooms only. */
  canBePrivate: boolean
  open: boolean
  onOpenChange: (open: boolean) => void
  onCreated: (id: RoomId) => void
}

export function CreateRoomDialog({
  rooms,
  canBePrivate,
  open,
  onOpenChange,
  onCreated,
}: CreateRoomDialogProps) {
  const [name, setName] = useState('')
  const [visibility, setVisibility] = useState<'public' | 'private'>('public')
  const [problem, setProblem] = useState<ApiProblem>()
  const [isBusy, setIsBusy] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  /** The answer that is waited for. */
  const awaited = useRef<Promise<unknown>>(undefined)

  async function create(event: FormEvent) {
    event.preventDefault()
    setIsBusy(true)
    setProblem(undefined)
    const asked = rooms.create(name.trim(), canBePrivate ? visibility : 'public')
    awaited.current = asked
    const answer = await asked
    // Whoever has given up may be writing elsewhere by now: the room is in the list, but nobody is moved there.
    if (awaited.current !== asked) return
    awaited.current = undefined
    setIsBusy(false)
    if (!answer.ok) {
      setProblem(answer.problem)
      field.current?.focus() // the button lost it as it was switched off
      return
    }
    setName('')
    onCreated(answer.value)
  }

  function change(isOpen: boolean) {
    if (!isOpen) {
      if (awaited.current) setName('') // it is being made under that name
      awaited.current = undefined
      setIsBusy(false)
      setProblem(undefined)
    }
    onOpenChange(isOpen)
  }

  return (
    <Dialog
      open={open}
      onOpenChange={change}
      title="New room"
      description={canBePrivate ? undefined : 'Anyone on this fleet can find it and come in.'}
    >
      <form className="mt-5" onSubmit={(event) => void create(event)}>
        <label htmlFor="room-name" className="mb-2 block text-sm font-medium">
          Name
        </label>
        <Input
          ref={field}
          id="room-name"
          value={name}
          onChange={(event) => setName(event.target.value)}
          autoFocus
          autoComplete="off"
          maxLength={LIMITS.roomNameChars}
          placeholder="What it is about"
          aria-invalid={problem !== undefined || undefined}
          aria-describedby="room-problem"
        />
        {canBePrivate && (
          <fieldset className="mt-4 space-y-2">
            <legend className="mb-2 text-sm font-medium">Who can come in</legend>
            <Choice
              value="public"
              chosen={visibility}
              onChoose={setVisibility}
              icon={<HashIcon className="size-4" />}
              title="Everybody"
              says="Anyone on this fleet can find it and come in."
            />
            <Choice
              value="private"
              chosen={visibility}
              onChoose={setVisibility}
              icon={<LockIcon className="size-4" />}
              title="Only who is invited"
              says="To all others it does not exist."
            />
          </fieldset>
        )}
        <p id="room-problem" role="alert" className="mt-2 text-sm text-destructive empty:hidden">
          {problem && wordsFor(problem)}
        </p>
        <div className="mt-5 flex justify-end gap-2">
          <Button variant="ghost" onClick={() => change(false)}>
            Cancel
          </Button>
          <Button type="submit" disabled={isBusy || name.trim() === ''}>
            {isBusy ? 'Creating…' : 'Create room'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

type Visibility = 'public' | 'private'
interface ChoiceProps {
  value: Visibility
  chosen: Visibility
  onChoose: (value: Visibility) => void
  icon: ReactNode
  title: string
  says: string
}

function Choice({ value, chosen, onChoose, icon, title, says }: ChoiceProps) {
  return (
    <label className="flex cursor-pointer items-start gap-3 rounded-lg border p-3 text-sm has-checked:border-primary has-checked:bg-accent/60 has-focus-visible:ring-[3px] has-focus-visible:ring-ring/30">
      <input
        type="radio"
        name="visibility"
        value={value}
        checked={chosen === value}
        onChange={() => onChoose(value)}
        className="mt-0.5 size-4 accent-primary"
      />
      <span className="min-w-0 flex-1">
        <span className="flex items-center gap-1.5 font-medium">
          {icon} {title}
        </span>
        <span className="text-muted-foreground">{says}</span>
      </span>
    </label>
  )
}
