import { DownloadIcon } from 'lucide-react'
import { useEffect, useState, type ReactNode } from 'react'
import type { User } from '@flotilla/protocol/frames.ts'
import { wordsFor } from '@/balancer/api'
import { isGuest } from '@/components/guest'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import type { Account } from '@/features/account/account'
import { DeleteForm, KeepNameForm, NameForm, PasswordForm } from '@/features/account/account-forms'
import { saveFile } from '@/features/account/save-file'
import { SessionList } from '@/features/account/session-list'
import { useTask } from '@/features/account/use-task'
import type { Session } from '@/features/sign-in/session'
import { useStore } from '@/use-store'

interface AccountDialogProps {
  me: User
  account: Account
  session: Session
  open: boolean
  onOpenChange: (open: boolean) => void
}

/** What a person can see and change about being here. A guest can become an account. */
export function AccountDialog({ me, account, session, open, onOpenChange }: AccountDialogProps) {
  const guest = isGuest(me)
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={guest ? 'You are a guest' : 'Your account'}
      description={
        guest
          ? 'Anyone may come in under this name. With a password it is yours alone, and so are private rooms.'
          : undefined
      }
      className="max-h-[min(44rem,calc(100dvh-2rem))] w-[min(32rem,calc(100vw-1.5rem))] overflow-y-auto"
    >
      {guest ? (
        <KeepNameForm me={me} session={session} />
      ) : (
        open && <Sections me={me} account={account} onGone={() => onOpenChange(false)} />
      )}
    </Dialog>
  )
}

function Sections({ me, account, onGone }: { me: User; account: Account; onGone: () => void }) {
  const { sessions, blocked, problem } = useStore(account)
  useEffect(() => void account.look(), [account])
  return (
    <div className="mt-4 divide-y">
      <Changeable title="Name" value={me.name}>
        {(close) => <NameForm me={me} account={account} onDone={close} />}
      </Changeable>
      <Changeable title="Password" value="••••••••">
        {(close) => <PasswordForm account={account} onDone={close} />}
      </Changeable>
      <Section title="Signed in">
        <p role="alert" className="text-sm text-destructive empty:hidden">
          {problem && wordsFor(problem)}
        </p>
        <SessionList account={account} sessions={sessions} />
      </Section>
      {blocked.length > 0 && (
        <Section title="Blocked">
          <ul>
            {blocked.map((user) => (
              <li key={user.id} className="flex items-center gap-2 py-0.5">
                <span className="min-w-0 flex-1 truncate text-sm">{user.name}</span>
                <Button variant="ghost" size="sm" onClick={() => void account.unblock(user.id)}>
                  Unblock
                </Button>
              </li>
            ))}
          </ul>
        </Section>
      )}
      <ExportSection account={account} />
      <Changeable title="Delete account" value="What you said stays, under no name." isGrave>
        {() => <DeleteForm account={account} onDone={onGone} />}
      </Changeable>
    </div>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="py-4">
      <h3 className="mb-1.5 text-sm font-medium">{title}</h3>
      {children}
    </section>
  )
}

interface ChangeableProps {
  title: string
  value: string
  isGrave?: boolean
  /** The form, once one wants to change it. */
  children: (close: () => void) => ReactNode
}

function Changeable({ title, value, isGrave = false, children }: ChangeableProps) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <section className="py-4">
      <div className="flex items-center gap-3">
        <div className="min-w-0 flex-1">
          <h3 className="text-sm font-medium">{title}</h3>
          {!isOpen && <p className="text-sm break-words text-muted-foreground">{value}</p>}
        </div>
        <Button
          variant="ghost"
          size="sm"
          aria-expanded={isOpen}
          className={isGrave && !isOpen ? 'text-destructive' : undefined}
          onClick={() => setIsOpen(!isOpen)}
        >
          {isOpen ? 'Cancel' : isGrave ? 'Delete…' : 'Change'}
          <span className="sr-only"> {title.toLowerCase()}</span>
        </Button>
      </div>
      {isOpen && children(() => setIsOpen(false))}
    </section>
  )
}

function ExportSection({ account }: { account: Account }) {
  const task = useTask()
  async function download() {
    const file = await account.export()
    if (!(file instanceof Blob)) return file
    saveFile(file, 'flotilla-export.jsonl')
    return undefined
  }
  return (
    <section className="flex items-center gap-3 py-4">
      <div className="min-w-0 flex-1">
        <h3 className="text-sm font-medium">Your data</h3>
        <p className="text-sm text-muted-foreground">
          {task.problem ? wordsFor(task.problem) : 'Everything that is kept of you, as JSON lines.'}
        </p>
      </div>
      <Button variant="outline" size="sm" disabled={task.isBusy} onClick={() => void task.run(download)}>
        <DownloadIcon className="size-4" /> Download
      </Button>
    </section>
  )
}
