import { Store } from '../../store.ts'

export type Theme = 'light' | 'dark'

const KEY = 'flotilla.theme'

/** Light or dark: as chosen here before, else as the system has it. `public/theme.js` did the same before the first paint. */
export class ThemeChoice extends Store<Theme> {
  readonly #storage: Storage | undefined

  constructor(storage: Storage | undefined) {
    const system = matchMedia('(prefers-color-scheme: dark)')
    const chosen = () => storage?.getItem(KEY) as Theme | null | undefined
    super(chosen() ?? (system.matches ? 'dark' : 'light'))
    this.#storage = storage
    system.addEventListener('change', () => {
      if (!chosen()) this.#apply(system.matches ? 'dark' : 'light')
    })
    this.#apply(this.read())
  }

  toggle(): void {
    const next = this.read() === 'dark' ? 'light' : 'dark'
    this.#storage?.setItem(KEY, next)
    this.#apply(next)
  }

  #apply(theme: Theme): void {
    document.documentElement.classList.toggle('dark', theme === 'dark')
    this.set(theme)
  }
}
