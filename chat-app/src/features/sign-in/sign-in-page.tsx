import { ArrowRightIcon, LoaderCircleIcon } from 'lucide-react'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { wordsFor } from '@/balancer/api'
import { Mark, Sea } from '@/components/fleet-art'
import { Button } from '@/components/ui/button'
import { Input } from '@/components/ui/input'
import { PasswordField } from '@/features/sign-in/password-field'
import type { Session } from '@/features/sign-in/session'
import { useStore } from '@/use-store'

interface SignInPageProps {
  session: Session
  /** What the address leads to: a room other than `general`, or a link that only accounts can follow. */
  invitation: 'none' | 'room' | 'link'
  /** What stands in the upper corner: the theme toggle, the way to the fleet page. */
  corner: ReactNode
}

type Way = 'guest' | 'account' | 'new'
const WORDS = {
  guest: { go: 'Come aboard', going: 'Coming aboard…' },
  account: { go: 'Sign in', going: 'Signing in…' },
  new: { go: 'Create account', going: 'Creating your account…' },
} as const

const INVITATIONS = {
  none: 'A chat that stays afloat.',
  room: 'You were invited to a room. Who shall we say is here?',
  link: 'You were given a link to a private room. It takes an account to go in.',
} as const

/** The way in: as a guest by name alone, with an account, or by making one. */
export function SignInPage({ session, invitation, corner }: SignInPageProps) {
  const state = useStore(session)
  const [name, setName] = useState(() => session.rememberedName)
  const [password, setPassword] = useState('')
  const [way, setWay] = useState<Way>(invitation === 'link' ? 'new' : 'guest')
  const [isCreating, setIsCreating] = useState(false)
  const isEntering = state.status === 'entering' || isCreating
  const problem = state.status === 'out' ? state.problem : undefined
  const field = useRef<HTMLInputElement>(null)
  // The button lost the focus as it was switched off meanwhile; now the name is to be written anew.
  useEffect(() => {
    if (problem) field.current?.focus()
  }, [problem])
  const hasAll = name.trim() !== '' && (way === 'guest' || password !== '')

  async function go() {
    if (!hasAll || isEntering) return
    const given = name.trim()
    if (way === 'guest') return session.enter(given)
    if (way === 'account') return session.enter(given, password)
    setIsCreating(true)
    await session.signUp(given, password)
    setIsCreating(false)
  }
  function choose(next: Way) {
    session.forgetProblem()
    setPassword('')
    setWay(next)
    field.current?.focus()
  }

  return (
    <main className="app-height relative grid place-items-center overflow-y-auto px-5 pt-[env(safe-area-inset-top)] pb-[env(safe-area-inset-bottom)]">
      <Sea className="pointer-events-none absolute inset-x-0 bottom-0 h-[clamp(7rem,27vh,16rem)] w-full" />
      <div className="absolute top-[max(1rem,env(safe-area-inset-top))] right-4 flex gap-1">{corner}</div>
      <div className="relative w-full max-w-96 pt-8 pb-[clamp(6rem,22vh,13rem)]">
        <Mark className="mx-auto mb-5 size-14 drop-shadow-sm" />
        <h1 className="text-center text-[2rem] leading-tight font-semibold tracking-[-0.03em]">Flotilla</h1>
        <p className="mt-1.5 text-center text-balance text-muted-foreground">{INVITATIONS[invitation]}</p>
        <form
          className="mt-8 space-y-4 rounded-2xl border bg-background p-5 shadow-lift sm:p-6"
          onSubmit={(event) => {
            event.preventDefault()
            void go()
          }}
        >
          <div>
            <label htmlFor="name" className="mb-2 block text-sm font-medium">
              Your name
            </label>
            <Input
              ref={field}
              id="name"
              name="name"
              value={name}
              onChange={(event) => setName(event.target.value)}
              autoFocus
              autoComplete={way === 'guest' ? 'nickname' : 'username'}
              autoCapitalize="off"
              spellCheck={false}
              maxLength={64}
              enterKeyHint={way === 'guest' ? 'go' : 'next'}
              placeholder="What others call you"
              aria-invalid={problem !== undefined || undefined}
              aria-describedby="sign-in-problem"
            />
          </div>
          {way !== 'guest' && (
            <PasswordField
              id="password"
              label="Password"
              kind={way === 'new' ? 'new' : 'current'}
              value={password}
              onValue={setPassword}
              enterKeyHint="go"
              placeholder={way === 'new' ? '8 characters at least' : undefined}
              aria-invalid={problem !== undefined || undefined}
              aria-describedby="sign-in-problem"
            />
          )}
          <p id="sign-in-problem" role="alert" className="text-sm text-destructive empty:hidden">
            {problem && wordsFor(problem)}
          </p>
          <Button
            type="submit"
            size="lg"
            className="w-full"
            disabled={isEntering || !hasAll}
            data-state={state.status}
          >
            {isEntering ? WORDS[way].going : WORDS[way].go}
            {isEntering ? (
              <LoaderCircleIcon className="size-4 animate-spin" />
            ) : (
              <ArrowRightIcon className="size-4" />
            )}
          </Button>
        </form>
        <OtherWays way={way} onChoose={choose} />
      </div>
    </main>
  )
}

function OtherWays({ way, onChoose }: { way: Way; onChoose: (way: Way) => void }) {
  const link = (to: Way, words: string) => (
    <button
      type="button"
      className="font-medium text-foreground underline decoration-foreground/30 underline-offset-4 hover:decoration-foreground"
      onClick={() => onChoose(to)}
    >
      {words}
    </button>
  )
  return (
    <p className="mt-4 text-center text-[0.8125rem] leading-relaxed text-muted-foreground">
      {way === 'guest' && (
        <>
          You come in as a guest. No account, no password.
          <br />
          {link('account', 'Sign in')} with an account, or {link('new', 'create one')}.
        </>
      )}
      {way === 'account' && (
        <>
          No account yet? {link('new', 'Create one')}, or {link('guest', 'come in as a guest')}.
        </>
      )}
      {way === 'new' && (
        <>
          Have an account? {link('account', 'Sign in')}, or {link('guest', 'come in as a guest')}.
        </>
      )}
    </p>
  )
}
