import type { RoomId } from '@flotilla/protocol/frames.ts'
import { OpenRoomDialog } from '@/features/rooms/open-room-dialog'
import type { Rooms } from '@/features/rooms/rooms'

interface TalkToDialogProps {
  rooms: Rooms
  open: boolean
  onOpenChange: (open: boolean) => void
  onOpened: (id: RoomId) => void
}

/** The way to a conversation of two. */
export function TalkToDialog({ rooms, ...props }: TalkToDialogProps) {
  return (
    <OpenRoomDialog
      title="New message"
      description="Between the two of you: nobody else can read it."
      label="To"
      field={{
        autoCapitalize: 'off',
        spellCheck: false,
        maxLength: 64,
        placeholder: 'The name of somebody with an account',
      }}
      submit="Start talking"
      submitting="Looking…"
      ask={(name) => rooms.talkTo(name)}
      {...props}
    />
  )
}
