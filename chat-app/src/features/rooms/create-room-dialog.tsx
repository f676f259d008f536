import { HashIcon, LockIcon } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { OpenRoomDialog } from '@/features/rooms/open-room-dialog'
import type { Rooms } from '@/features/rooms/rooms'

interface CreateRoomDialogProps {
  rooms: Rooms
  /** Guests are nobody in particular: they make public rooms only. */
  canBePrivate: boolean
  open: boolean
  onOpenChange: (open: boolean) => void
  onCreated: (id: RoomId) => void
}

export function CreateRoomDialog({ rooms, canBePrivate, onCreated, ...props }: CreateRoomDialogProps) {
  const [visibility, setVisibility] = useState<Visibility>('public')
  return (
    <OpenRoomDialog
      title="New room"
      description={canBePrivate ? undefined : 'Anyone on this fleet can find it and come in.'}
      label="Name"
      field={{ maxLength: LIMITS.roomNameChars, placeholder: 'What it is about' }}
      submit="Create room"
      submitting="Creating…"
      ask={(name) => rooms.create(name, canBePrivate ? visibility : 'public')}
      onOpened={onCreated}
      {...props}
    >
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
    </OpenRoomDialog>
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
