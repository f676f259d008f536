import { EyeIcon, EyeOffIcon } from 'lucide-react'
import { useState, type ComponentProps } from 'react'
import { Button } from '@/components/ui/button'
import { Input } from '@/components/ui/input'

type PasswordFieldProps = Omit<ComponentProps<typeof Input>, 'type' | 'value' | 'onChange'> & {
  id: string
  label: string
  value: string
  onValue: (value: string) => void
  /** `new`: one is being chosen, and a password manager may offer one. */
  kind: 'current' | 'new'
}

/** A password, which can be looked at while it is written. */
export function PasswordField({ id, label, value, onValue, kind, ...props }: PasswordFieldProps) {
  const [isShown, setIsShown] = useState(false)
  const Icon = isShown ? EyeOffIcon : EyeIcon
  return (
    <div>
      <label htmlFor={id} className="mb-2 block text-sm font-medium">
        {label}
      </label>
      <div className="relative">
        <Input
          id={id}
          name={kind === 'new' ? 'new-password' : 'password'}
          type={isShown ? 'text' : 'password'}
          value={value}
          onChange={(event) => onValue(event.target.value)}
          autoComplete={kind === 'new' ? 'new-password' : 'current-password'}
          autoCapitalize="off"
          spellCheck={false}
          minLength={kind === 'new' ? 8 : undefined}
          maxLength={128}
          className="pr-11"
          {...props}
        />
        <Button
          variant="ghost"
          size="icon-sm"
          className="absolute inset-y-0 right-1 my-auto text-muted-foreground"
          aria-label={isShown ? 'Hide password' : 'Show password'}
          aria-pressed={isShown}
          onClick={() => setIsShown(!isShown)}
        >
          <Icon className="size-4" />
        </Button>
      </div>
    </div>
  )
}
