import { useRef, useState, type FormEvent } from 'react'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { wordsFor, type ApiProblem } from '@/balancer/api'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { Input } from '@/components/ui/input'
import type { Rooms } from '@/features/rooms/rooms'

interface TalkToDialogProps {
  rooms: Rooms
  open: boolean
  onOpenChange: (open: boolean) => void
  onOpened: (id: RoomId) => void
}

/** The way to a conversation of two. */
export function TalkToDialog({ rooms, open, onOpenChange, onOpened }: TalkToDialogProps) {
  const [name, setName] = useState('')
  const [problem, setProblem] = useState<ApiProblem>()
  const [isBusy, setIsBusy] = useState(false)
  const field = useRef<HTMLInputElement>(null)

  async function go(event: FormEvent) {
    event.preventDefault()
    if (name.trim() === '' || isBusy) return
    setIsBusy(true)
    const answer = await rooms.talkTo(name.trim())
    setIsBusy(false)
    if (answer.ok) {
      setName('')
      setProblem(undefined)
      onOpened(answer.value)
    } else {
      setProblem(answer.problem)
      field.current?.focus()
    }
  }
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New message"
      description="Between the two of you: nobody else can read it."
    >
      <form className="mt-5" onSubmit={(event) => void go(event)}>
        <label htmlFor="talk-to" className="mb-2 block text-sm font-medium">
          To
        </label>
        <Input
          ref={field}
          id="talk-to"
          value={name}
          onChange={(event) => setName(event.target.value)}
          autoFocus
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          maxLength={64}
          placeholder="The name of somebody with an account"
          aria-invalid={problem !== undefined || undefined}
          aria-describedby="talk-to-problem"
        />
        <p id="talk-to-problem" role="alert" className="mt-2 text-sm text-destructive empty:hidden">
          {problem && wordsFor(problem)}
        </p>
        <div className="mt-5 flex justify-end gap-2">
          <Button variant="ghost" onClick={() => onOpenChange(false)}>
            Cancel
          </Button>
          <Button type="submit" disabled={isBusy || name.trim() === ''}>
            Start talking
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
