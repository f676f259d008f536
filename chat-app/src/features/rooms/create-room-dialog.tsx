import { useState, type FormEvent } from 'react'
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

  async function create(event: FormEvent) {
    event.preventDefault()
    setIsBusy(true)
    setProblem(undefined)
    const answer = await rooms.create(name.trim())
    setIsBusy(false)
    if (!answer.ok) return setProblem(answer.problem)
    setName('')
    onCreated(answer.value)
  }

  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New room"
      description="Anyone on this fleet can find it and come in."
    >
      <form className="mt-5" onSubmit={(event) => void create(event)}>
        <label htmlFor="room-name" className="mb-2 block text-sm font-medium">
          Name
        </label>
        <Input
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
          <Button variant="ghost" onClick={() => onOpenChange(false)}>
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
