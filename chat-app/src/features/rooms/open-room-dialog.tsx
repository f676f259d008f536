import { useId, useRef, useState, type ComponentProps, type FormEvent, type ReactNode } from 'react'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { wordsFor, type Answer, type ApiProblem } from '@/balancer/api'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { Input } from '@/components/ui/input'

interface OpenRoomDialogProps {
  title: string
  description?: string | undefined
  /** What is asked for, and how its field is. */
  label: string
  field: ComponentProps<typeof Input>
  submit: string
  /** What the button says while the answer is waited for. */
  submitting: string
  ask: (name: string) => Promise<Answer<RoomId>>
  open: boolean
  onOpenChange: (open: boolean) => void
  onOpened: (id: RoomId) => void
  /** What else is asked for. */
  children?: ReactNode
}

/** Asks for a name, of a room or a person, that leads to a room. */
export function OpenRoomDialog({
  title,
  description,
  label,
  field,
  submit,
  submitting,
  ask,
  open,
  onOpenChange,
  onOpened,
  children,
}: OpenRoomDialogProps) {
  const id = useId()
  const [name, setName] = useState('')
  const [problem, setProblem] = useState<ApiProblem>()
  const [isBusy, setIsBusy] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  /** The answer that is waited for. */
  const awaited = useRef<Promise<unknown>>(undefined)

  async function go(event: FormEvent) {
    event.preventDefault()
    if (name.trim() === '' || isBusy) return
    setIsBusy(true)
    setProblem(undefined)
    const asked = ask(name.trim())
    awaited.current = asked
    const answer = await asked
    // Whoever has given up may be writing elsewhere by now: the room is in the list, but nobody is moved there.
    if (awaited.current !== asked) return
    awaited.current = undefined
    setIsBusy(false)
    if (!answer.ok) {
      setProblem(answer.problem)
      input.current?.focus() // the button lost it as it was switched off
      return
    }
    setName('')
    onOpened(answer.value)
  }

  function change(isOpen: boolean) {
    if (!isOpen) {
      if (awaited.current) setName('') // it is being opened under that name
      awaited.current = undefined
      setIsBusy(false)
      setProblem(undefined)
    }
    onOpenChange(isOpen)
  }

  return (
    <Dialog open={open} onOpenChange={change} title={title} description={description}>
      <form className="mt-5" onSubmit={(event) => void go(event)}>
        <label htmlFor={id} className="mb-2 block text-sm font-medium">
          {label}
        </label>
        <Input
          ref={input}
          id={id}
          value={name}
          onChange={(event) => setName(event.target.value)}
          autoFocus
          autoComplete="off"
          aria-invalid={problem !== undefined || undefined}
          aria-describedby={`${id}-problem`}
          {...field}
        />
        {children}
        <p id={`${id}-problem`} role="alert" className="mt-2 text-sm text-destructive empty:hidden">
          {problem && wordsFor(problem)}
        </p>
        <div className="mt-5 flex justify-end gap-2">
          <Button variant="ghost" onClick={() => change(false)}>
            Cancel
          </Button>
          <Button type="submit" disabled={isBusy || name.trim() === ''}>
            {isBusy ? submitting : submit}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
