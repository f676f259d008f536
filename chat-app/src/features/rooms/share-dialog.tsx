import { CheckIcon, CopyIcon } from 'lucide-react'
import { useState } from 'react'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { Input } from '@/components/ui/input'
import { linkToRoom } from '@/features/rooms/room-path'

interface ShareDialogProps {
  room: RoomId
  name: string
  /** Only members find it by its address. */
  isPrivate: boolean
  open: boolean
  onOpenChange: (open: boolean) => void
}

export function ShareDialog({ room, name, isPrivate, open, onOpenChange }: ShareDialogProps) {
  const [copied, setCopied] = useState<RoomId>()
  const link = linkToRoom(room)
  const isCopied = copied === room

  async function copy() {
    // Without https (another machine on the same network) there is no clipboard: the field is selected instead.
    const isDone = await navigator.clipboard?.writeText(link).then(
      () => true,
      () => false,
    )
    if (isDone) setCopied(room)
    else document.querySelector<HTMLInputElement>('#share-link')?.select()
  }

  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        setCopied(undefined)
        onOpenChange(next)
      }}
      title={`Share ${name}`}
      description={
        isPrivate
          ? 'Members find the room by it; to all others it leads nowhere. Invite them first.'
          : 'Whoever opens this link enters a name and is here.'
      }
    >
      <div className="mt-5 flex gap-2">
        <Input
          id="share-link"
          readOnly
          value={link}
          aria-label="Link to this room"
          className="font-mono sm:text-[0.8125rem]"
          onFocus={(event) => event.target.select()}
        />
        <Button className="h-11" onClick={() => void copy()}>
          {isCopied ? <CheckIcon className="size-4" /> : <CopyIcon className="size-4" />}
          {isCopied ? 'Copied' : 'Copy'}
        </Button>
      </div>
      <span role="status" className="sr-only">
        {isCopied ? 'Link copied' : ''}
      </span>
    </Dialog>
  )
}
