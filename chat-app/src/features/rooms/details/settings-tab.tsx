import { useEffect, useState, type FormEvent, type ReactNode } from 'react'
import type { ChangeRoom, LinkRow } from '@flotilla/protocol/rooms-api.ts'
import { wordsFor } from '@/balancer/api'
import { Button } from '@/components/ui/button'
import { Input } from '@/components/ui/input'
import { useTask } from '@/features/account/use-task'
import { longMoment } from '@/features/messages/dates'
import type { RoomDetailsProps } from '@/features/rooms/details/room-details-dialog'
import type { RoomOffice } from '@/features/rooms/room-office'
import { linkToRoom } from '@/features/rooms/room-path'
import { saveFile } from '@/features/account/save-file'
import { useStore } from '@/use-store'

const SECOND_MS = 1_000
const DAY_MS = 24 * 3_600_000
const SLOWNESS: readonly (readonly [number, string])[] = [
  [0, 'Off'],
  [5 * SECOND_MS, 'A message each 5 seconds'],
  [30 * SECOND_MS, 'A message each 30 seconds'],
  [60 * SECOND_MS, 'A message each minute'],
  [300 * SECOND_MS, 'A message each 5 minutes'],
]
/** 0 = for ever. */
const KEPT: readonly (readonly [number, string])[] = [
  [0, 'For ever'],
  [365, 'For a year'],
  [90, 'For 90 days'],
  [30, 'For 30 days'],
  [7, 'For a week'],
  [1, 'For a day'],
]

export function SettingsTab({ room, office, onGone }: RoomDetailsProps) {
  const task = useTask()
  const isOwner = room.membership === 'owner'
  const change = (what: ChangeRoom) => void task.run(() => office.change(what))
  async function download() {
    const answer = await office.export()
    if (answer.ok) saveFile(answer.value, `${room.name}.jsonl`)
    return answer.ok ? undefined : answer.problem
  }
  return (
    <div className="space-y-5">
      <p role="alert" className="text-sm text-destructive empty:hidden">
        {task.problem && wordsFor(task.problem)}
      </p>
      {isOwner && (
        <TextSetting label="Name" value={room.name} maxLength={64} onSave={(name) => change({ name })} />
      )}
      <TextSetting
        label="Topic"
        value={room.topic ?? ''}
        maxLength={500}
        canBeEmpty
        onSave={(topic) => change({ topic })}
      />
      <Choice
        label="Slow mode"
        value={room.slowMs ?? 0}
        options={SLOWNESS}
        onChoose={(slowMs) => change({ slowMs })}
      />
      {isOwner && (
        <>
          <Choice
            label="Messages are kept"
            value={room.retentionDays ?? 0}
            options={KEPT}
            onChoose={(days) => change({ retentionDays: days === 0 ? null : days })}
          />
          {room.visibility === 'private' && <Links office={office} />}
          <Row title="Export" says="Everything that stands in it, as JSON lines.">
            <Button variant="outline" size="sm" onClick={() => void task.run(download)}>
              Download
            </Button>
          </Row>
          <Row
            title={room.archived === true ? 'Archived' : 'Archive'}
            says={room.archived === true ? 'It can be read, nobody can write.' : 'It can then be read only.'}
          >
            <Button variant="outline" size="sm" onClick={() => change({ archived: room.archived !== true })}>
              {room.archived === true ? 'Open again' : 'Archive'}
            </Button>
          </Row>
          <DeleteRoom onDelete={() => void task.run(() => office.delete(), onGone)} />
        </>
      )}
    </div>
  )
}

function Row({ title, says, children }: { title: string; says: string; children: ReactNode }) {
  return (
    <div className="flex items-center gap-3">
      <div className="min-w-0 flex-1">
        <h3 className="text-sm font-medium">{title}</h3>
        <p className="text-sm text-muted-foreground">{says}</p>
      </div>
      {children}
    </div>
  )
}

interface TextSettingProps {
  label: string
  value: string
  maxLength: number
  canBeEmpty?: boolean
  onSave: (value: string) => void
}

function TextSetting({ label, value, maxLength, canBeEmpty = false, onSave }: TextSettingProps) {
  const [text, setText] = useState(value)
  const isReady = text.trim() !== value && (canBeEmpty || text.trim() !== '')
  function submit(event: FormEvent) {
    event.preventDefault()
    if (isReady) onSave(text.trim())
  }
  return (
    <form onSubmit={submit}>
      <label className="block text-sm font-medium">
        {label}
        <span className="mt-2 flex gap-2 font-normal">
          <Input value={text} maxLength={maxLength} onChange={(event) => setText(event.target.value)} />
          <Button type="submit" variant="outline" className="h-11" disabled={!isReady}>
            Save<span className="sr-only"> {label.toLowerCase()}</span>
          </Button>
        </span>
      </label>
    </form>
  )
}

interface ChoiceProps {
  label: string
  value: number
  options: readonly (readonly [number, string])[]
  onChoose: (value: number) => void
}

function Choice({ label, value, options, onChoose }: ChoiceProps) {
  const isListed = options.some(([each]) => each === value)
  return (
    <label className="block text-sm font-medium">
      {label}
      <select
        value={value}
        onChange={(event) => onChoose(Number(event.target.value))}
        className="mt-2 block h-11 w-full rounded-md border border-input bg-background px-3 text-base font-normal outline-none focus-visible:border-ring focus-visible:ring-[3px] focus-visible:ring-ring/30 sm:text-[0.9375rem]"
      >
        {!isListed && <option value={value}>As it is now</option>}
        {options.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
    </label>
  )
}

/** The secret of a link is shown once, when it is made. */
function Links({ office }: { office: RoomOffice }) {
  const { links } = useStore(office)
  const [made, setMade] = useState<string>()
  const task = useTask()
  useEffect(() => void office.lookAtLinks(), [office])
  async function make() {
    const answer = await office.makeLink(7 * DAY_MS)
    if (!answer.ok) return answer.problem
    setMade(`${linkToRoom(office.id)}#${answer.value.link}`)
    return undefined
  }
  return (
    <section>
      <Row title="Links" says="Whoever has one and an account can join, for a week.">
        <Button variant="outline" size="sm" disabled={task.isBusy} onClick={() => void task.run(make)}>
          Make a link
        </Button>
      </Row>
      <p role="alert" className="text-sm text-destructive empty:hidden">
        {task.problem && wordsFor(task.problem)}
      </p>
      {made !== undefined && (
        <Input
          readOnly
          aria-label="Link to join by"
          value={made}
          className="mt-2 font-mono sm:text-[0.8125rem]"
          onFocus={(event) => event.target.select()}
        />
      )}
      <ul className="mt-1">
        {links.map((link: LinkRow) => (
          <li key={link.hash} className="flex items-center gap-2 text-sm">
            <span className="min-w-0 flex-1 truncate text-muted-foreground">
              by {link.by.name}, until {longMoment(link.until)}
            </span>
            <Button variant="ghost" size="sm" onClick={() => void task.run(() => office.endLink(link.hash))}>
              End
            </Button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function DeleteRoom({ onDelete }: { onDelete: () => void }) {
  const [isAsked, setIsAsked] = useState(false)
  return (
    <Row
      title="Delete this room"
      says={isAsked ? 'Everything said in it will be gone, for everybody.' : 'With all that was said in it.'}
    >
      {isAsked ? (
        <>
          <Button variant="ghost" size="sm" onClick={() => setIsAsked(false)}>
            Keep it
          </Button>
          <Button variant="destructive" size="sm" autoFocus onClick={onDelete}>
            Delete for good
          </Button>
        </>
      ) : (
        <Button variant="outline" size="sm" className="text-destructive" onClick={() => setIsAsked(true)}>
          Delete…
        </Button>
      )}
    </Row>
  )
}
