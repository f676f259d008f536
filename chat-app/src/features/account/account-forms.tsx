import { useState, type FormEvent, type ReactNode } from 'react'
import type { User } from '@flotilla/protocol/frames.ts'
import { wordsFor, type ApiProblem } from '@/balancer/api'
import { Button } from '@/components/ui/button'
import { Input } from '@/components/ui/input'
import type { Account } from '@/features/account/account'
import { useTask } from '@/features/account/use-task'
import { PasswordField } from '@/features/sign-in/password-field'
import type { Session } from '@/features/sign-in/session'

interface TaskFormProps {
  /** What the button says. */
  go: string
  isReady: boolean
  isGrave?: boolean
  task: ReturnType<typeof useTask>
  onGo: () => void
  children: ReactNode
}

function TaskForm({ go, isReady, isGrave = false, task, onGo, children }: TaskFormProps) {
  function submit(event: FormEvent) {
    event.preventDefault()
    if (isReady) onGo()
  }
  return (
    <form className="mt-3 space-y-3" onSubmit={submit}>
      {children}
      <p role="alert" className="text-sm text-destructive empty:hidden">
        {task.problem && wordsFor(task.problem)}
      </p>
      <Button type="submit" variant={isGrave ? 'destructive' : 'default'} disabled={!isReady || task.isBusy}>
        {go}
      </Button>
    </form>
  )
}

export function NameForm({ me, account, onDone }: { me: User; account: Account; onDone: () => void }) {
  const [name, setName] = useState(me.name)
  const task = useTask()
  const given = name.trim()
  return (
    <TaskForm
      go="Save name"
      isReady={given !== '' && given !== me.name}
      task={task}
      onGo={() => void task.run(() => account.rename(given), onDone)}
    >
      <Input
        aria-label="New name"
        value={name}
        onChange={(event) => setName(event.target.value)}
        autoFocus
        autoComplete="username"
        spellCheck={false}
        maxLength={64}
      />
    </TaskForm>
  )
}

export function PasswordForm({ account, onDone }: { account: Account; onDone: () => void }) {
  const [old, setOld] = useState('')
  const [next, setNext] = useState('')
  const task = useTask()
  return (
    <TaskForm
      go="Save password"
      isReady={old !== '' && next !== ''}
      task={task}
      onGo={() => void task.run(() => account.changePassword(old, next), onDone)}
    >
      <PasswordField
        id="old-password"
        label="Password now"
        kind="current"
        value={old}
        onValue={setOld}
        autoFocus
      />
      <PasswordField id="next-password" label="New password" kind="new" value={next} onValue={setNext} />
      <p className="text-[0.8125rem] text-muted-foreground">
        You stay signed in here, and are signed out everywhere else.
      </p>
    </TaskForm>
  )
}

export function DeleteForm({ account, onDone }: { account: Account; onDone: () => void }) {
  const [password, setPassword] = useState('')
  const task = useTask()
  return (
    <TaskForm
      go="Delete my account"
      isReady={password !== ''}
      isGrave
      task={task}
      onGo={() => void task.run(() => account.delete(password), onDone)}
    >
      <p className="text-sm text-muted-foreground">
        Your name is taken off everything you said. This cannot be undone.
      </p>
      <PasswordField
        id="delete-password"
        label="Your password"
        kind="current"
        value={password}
        onValue={setPassword}
        autoFocus
      />
    </TaskForm>
  )
}

/** A guest makes the name his own. */
export function KeepNameForm({ me, session }: { me: User; session: Session }) {
  const [password, setPassword] = useState('')
  const task = useTask()
  const signUp = (): Promise<ApiProblem | undefined> => session.signUp(me.name, password)
  return (
    <TaskForm
      go={`Keep the name ${me.name}`}
      isReady={password !== ''}
      task={task}
      onGo={() => void task.run(signUp)}
    >
      <input type="hidden" name="username" autoComplete="username" value={me.name} readOnly />
      <PasswordField
        id="keep-password"
        label="Password"
        kind="new"
        value={password}
        onValue={setPassword}
        placeholder="8 characters at least"
        autoFocus
      />
    </TaskForm>
  )
}
