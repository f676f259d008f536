import { useRef, useState, type FormEvent } from 'react'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { wordsFor, type ApiProblem } from '@/balancer/api'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { Input } from '@/components/ui/input'
import type { Rooms } from '@/features/rooms/rooms'

interface CreateRoomDialogProps {
  rooms: Rooms
  open: boolean
  onOpenChange: (open: boolean) => void
  onCreated: (id: RoomId) => void
}

export function CreateRoomDialog({ rooms, open, onOpenChange, onCreated }: CreateRoomDialogProps) {
  const [name, setName] = useState('')
  const [problem, setProblem] = useState<ApiProblem>()
  const [isBusy, setIsBusy] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  /** The answer that is waited for. */
  const awaited = useRef<Promise<unknown>>(undefined)

  async function create(event: FormEvent) {
    event.preventDefault()
    setIsBusy(true)
    setProblem(undefined)
    const asked = rooms.create(name.trim())
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
      description="Anyone on this fleet can find it and come in."
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
