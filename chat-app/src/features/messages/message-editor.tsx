import { useEffect, useRef, useState } from 'react'
import { Button } from '@/components/ui/button'

interface MessageEditorProps {
  text: string
  onSave: (text: string) => void
  onCancel: () => void
}

/** A message being written anew, where it stands. */
export function MessageEditor({ text, onSave, onCancel }: MessageEditorProps) {
  const [next, setNext] = useState(text)
  const field = useRef<HTMLTextAreaElement>(null)
  const canSave = next.trim() !== '' && next !== text
  useEffect(() => {
    const { current } = field
    current?.focus()
    current?.setSelectionRange(current.value.length, current.value.length)
  }, [])
  const save = () => (canSave ? onSave(next) : onCancel())
  return (
    <div className="py-1">
      <textarea
        ref={field}
        aria-label="New text of the message"
        value={next}
        rows={Math.min(8, next.split('\n').length)}
        className="quiet-scroll block w-full max-w-[78ch] resize-none rounded-md border border-input bg-background px-3 py-2 text-base outline-none focus-visible:border-ring focus-visible:ring-[3px] focus-visible:ring-ring/25 sm:text-[0.9375rem]"
        onChange={(event) => setNext(event.target.value)}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return
          if (event.key === 'Escape') {
            event.stopPropagation() // the list would go to its end
            onCancel()
          }
          if (event.key === 'Enter' && !event.shiftKey) {
            event.preventDefault()
            save()
          }
        }}
      />
      <span className="mt-1 flex gap-1">
        <Button size="sm" className="h-7" disabled={!canSave} onClick={save}>
          Save
        </Button>
        <Button variant="ghost" size="sm" className="h-7" onClick={onCancel}>
          Cancel
        </Button>
      </span>
    </div>
  )
}
