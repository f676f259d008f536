import { MoonIcon, SunIcon } from 'lucide-react'
import type { ComponentProps } from 'react'
import { Button } from '@/components/ui/button'
import { Tooltip } from '@/components/ui/tooltip'
import type { ThemeChoice } from '@/features/theme/theme'
import { useStore } from '@/use-store'

type Props = ComponentProps<typeof Button> & { theme: ThemeChoice }

export function ThemeToggle({ theme, ...props }: Props) {
  const isDark = useStore(theme) === 'dark'
  const label = isDark ? 'Light theme' : 'Dark theme'
  return (
    <Tooltip content={label}>
      <Button variant="ghost" size="icon-sm" aria-label={label} onClick={() => theme.toggle()} {...props}>
        {isDark ? <SunIcon className="size-4" /> : <MoonIcon className="size-4" />}
      </Button>
    </Tooltip>
  )
}
