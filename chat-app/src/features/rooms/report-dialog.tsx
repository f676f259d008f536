import { useState, type FormEvent } from 'react'
import type { Seq } from '@flotilla/protocol/frames.ts'
import { wordsFor } from '@/balancer/api'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { useTask } from '@/features/account/use-task'
import type { RoomOffice } from '@/features/rooms/room-office'

interface ReportDialogProps {
  office: RoomOffice
  /** Of the message; undefined: the dialog is closed. */
  seq: Seq | undefined
  onClose: () => void
}

/** Tells those who keep the room of a message. */
export function ReportDialog({ office, seq, onClose }: ReportDialogProps) {
  const [reason, setReason] = useState('')
  const task = useTask()
  function submit(event: FormEvent) {
    event.preventDefault()
    if (seq === undefined || reason.trim() === '') return
    void task.run(() => office.report(seq, reason.trim()), close)
  }
  function close() {
    setReason('')
    task.forget()
    onClose()
  }
  return (
    <Dialog
      open={seq !== undefined}
      onOpenChange={(isOpen) => {
        if (!isOpen) close()
      }}
      title="Report this message"
      description="Those who keep this room see it with what stands around it, and who reports it. Nobody else does."
    >
      <form className="mt-4 space-y-3" onSubmit={submit}>
        <textarea
          aria-label="What is wrong with it"
          placeholder="What is wrong with it"
          value={reason}
          maxLength={500}
          rows={3}
          className="block w-full resize-none rounded-md border border-input bg-background px-3 py-2 text-base outline-none focus-visible:border-ring focus-visible:ring-[3px] focus-visible:ring-ring/25 sm:text-[0.9375rem]"
          onChange={(event) => setReason(event.target.value)}
        />
        <p role="alert" className="text-sm text-destructive empty:hidden">
          {task.problem && wordsFor(task.problem)}
        </p>
        <div className="flex justify-end gap-2">
          <Button variant="ghost" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" disabled={reason.trim() === '' || task.isBusy}>
            Report
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
