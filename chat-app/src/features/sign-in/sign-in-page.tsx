import { ArrowRightIcon, LoaderCircleIcon } from 'lucide-react'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { wordsFor } from '@/balancer/api'
import { Mark, Sea } from '@/components/fleet-art'
import { Button } from '@/components/ui/button'
import { Input } from '@/components/ui/input'
import type { Session } from '@/features/sign-in/session'
import { useStore } from '@/use-store'

interface SignInPageProps {
  session: Session
  /** The address leads to a room other than `general`. */
  hasInvitation: boolean
  /** What stands in the upper corner: the theme toggle, the way to the fleet page. */
  corner: ReactNode
}

export function SignInPage({ session, hasInvitation, corner }: SignInPageProps) {
  const state = useStore(session)
  const [name, setName] = useState(() => session.rememberedName)
  const isEntering = state.status === 'entering'
  const problem = state.status === 'out' ? state.problem : undefined
  const field = useRef<HTMLInputElement>(null)
  // The button lost the focus as it was switched off meanwhile; now the name is to be written anew.
  useEffect(() => {
    if (problem) field.current?.focus()
  }, [problem])
  return (
    <main className="app-height relative grid place-items-center overflow-y-auto px-5 pt-[env(safe-area-inset-top)] pb-[env(safe-area-inset-bottom)]">
      <Sea className="pointer-events-none absolute inset-x-0 bottom-0 h-[clamp(7rem,27vh,16rem)] w-full" />
      <div className="absolute top-[max(1rem,env(safe-area-inset-top))] right-4 flex gap-1">{corner}</div>
      <div className="relative w-full max-w-96 pt-8 pb-[clamp(6rem,22vh,13rem)]">
        <Mark className="mx-auto mb-5 size-14 drop-shadow-sm" />
        <h1 className="text-center text-[2rem] leading-tight font-semibold tracking-[-0.03em]">Flotilla</h1>
        <p className="mt-1.5 text-center text-muted-foreground">
          {hasInvitation
            ? 'You were invited to a room. Who shall we say is here?'
            : 'A chat that stays afloat.'}
        </p>
        <form
          className="mt-8 rounded-2xl border bg-background p-5 shadow-lift sm:p-6"
          onSubmit={(event) => {
            event.preventDefault()
            if (name.trim() !== '') void session.enter(name.trim())
          }}
        >
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
            autoComplete="nickname"
            autoCapitalize="off"
            spellCheck={false}
            maxLength={64}
            enterKeyHint="go"
            placeholder="What others call you"
            aria-invalid={problem !== undefined || undefined}
            aria-describedby="name-problem"
          />
          <p id="name-problem" role="alert" className="mt-2 text-sm text-destructive empty:hidden">
            {problem && wordsFor(problem)}
          </p>
          <Button
            type="submit"
            size="lg"
            className="mt-4 w-full"
            disabled={isEntering || name.trim() === ''}
            data-state={state.status}
          >
            {isEntering ? 'Coming aboard…' : 'Come aboard'}
            {isEntering ? (
              <LoaderCircleIcon className="size-4 animate-spin" />
            ) : (
              <ArrowRightIcon className="size-4" />
            )}
          </Button>
        </form>
        <p className="mt-4 text-center text-[0.8125rem] text-muted-foreground">
          You come in as a guest. No account, no password.
        </p>
      </div>
    </main>
  )
}
