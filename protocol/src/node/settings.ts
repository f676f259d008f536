import process from 'node:process'

/**
 * Flags of a process and their environment twins (`--drain-ms` = `DRAIN_MS`; the flag wins), for Node only.
 * A flag exists by being read: what nobody read by the time of `done` is unknown. Faults are collected, so that
 * one wrong start names all of them at once.
 */

export type Env = Readonly<Record<string, string | undefined>>

/** The process was started wrongly; `message` is one line that names every fault. Exit code 2. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** `--help` was given; `message` is the text to print. */
export class HelpAsked extends Error {
  override name = 'HelpAsked'
}

/** `says`: half a line for `--help`. */
interface Described {
  says?: string
}

export class Settings {
  readonly #env: Env
  readonly #about: string
  /** What stood on the command line; undefined: the flag was given without a value. */
  readonly #given = new Map<string, string | undefined>()
  readonly #read = new Map<string, string>()
  readonly #problems: string[] = []
  #helpAsked = false

  /** `argv` = the arguments alone (`process.argv.slice(2)`). `about.usage` heads the text of `--help`. */
  constructor(argv: readonly string[], env: Env, about: { usage?: string } = {}) {
    this.#env = env
    this.#about = about.usage ?? 'Flags:'
    for (let at = 0; at < argv.length; at += 1) {
      const arg = argv[at] as string
      if (arg === '--help' || arg === '-h') {
        this.#helpAsked = true
      } else if (!arg.startsWith('--') || arg === '--') {
        this.#problems.push(`unexpected argument ${JSON.stringify(arg)}`)
      } else if (arg.includes('=')) {
        this.#given.set(arg.slice(2, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1))
      } else {
        const next = argv[at + 1]
        const isValue = next !== undefined && !next.startsWith('--') && next !== '-h'
        this.#given.set(arg.slice(2), isValue ? next : undefined)
        if (isValue) at += 1
      }
    }
  }

  /** Whether the flag or its twin was given at all. Does not count as reading it. */
  has(flag: string): boolean {
    return this.#given.has(flag) || (this.#env[twin(flag)] ?? '') !== ''
  }

  int(flag: string, rule: Described & { default: number; min?: number; max?: number }): number {
    return this.#wholeNumber(flag, rule, String(rule.default)) ?? rule.default
  }

  /** Undefined where it was not given, or is wrong: for a default that depends on other values, or on the machine. */
  optionalInt(flag: string, rule: Described & { min?: number; max?: number } = {}): number | undefined {
    return this.#wholeNumber(flag, rule)
  }

  string(flag: string, rule: Described & { default: string }): string {
    return this.#take(flag, rule, rule.default) ?? rule.default
  }

  optionalString(flag: string, rule: Described = {}): string | undefined {
    return this.#take(flag, rule)
  }

  /** `protocols` with their colon, as `URL.protocol` has them. Comes back without slash at the end. */
  optionalUrl(flag: string, rule: Described & { protocols?: readonly string[] } = {}): string | undefined {
    const text = this.#take(flag, rule)
    return text === undefined ? undefined : this.#url(flag, text, rule.protocols)
  }

  /** A list, parted by commas; an empty text (`--origins=`) is the empty list. Each as `optionalUrl` gives it. */
  urls(
    flag: string,
    rule: Described & { default: readonly string[]; protocols?: readonly string[] },
  ): readonly string[] {
    const text = this.#take(flag, rule, rule.default.join(','), true)
    if (text === undefined) return rule.default
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map((part) => this.#url(flag, part, rule.protocols))
      .filter((url) => url !== undefined)
  }

  oneOf<const T extends string>(flag: string, values: readonly T[], rule: Described & { default: T }): T {
    const text = this.#take(flag, rule, rule.default)
    if (text === undefined) return rule.default
    const value = values.find((known) => known === text)
    if (value === undefined) this.#wrong(flag, `one of ${values.join(', ')}`, text)
    return value ?? rule.default
  }

  /** `on` or `off`; the bare flag means on. */
  onOff(flag: string, rule: Described & { default: boolean }): boolean {
    if (this.#given.has(flag) && this.#given.get(flag) === undefined) this.#given.set(flag, 'on')
    return this.oneOf(flag, ['on', 'off'], { ...rule, default: rule.default ? 'on' : 'off' }) === 'on'
  }

  /**
   * From the environment only: a command line can be read by every user of the machine. Visible ASCII without
   * space, since it travels in headers. A fault never shows it.
   */
  secret(variable: string, rule: Described = {}): string | undefined {
    this.#read.set(variable, usageLine(variable, rule))
    const value = this.#env[variable]
    if (value === undefined || value === '') return undefined
    if (!/^[\x21-\x7e]+$/.test(value)) this.problem(`${variable} must be visible ASCII without spaces`)
    return value
  }

  /** For rules between values. */
  problem(text: string): void {
    this.#problems.push(text)
  }

  /**
   * Gives the config back if nothing was wrong.
   * @throws ConfigError with one line naming every fault, unknown flags too; HelpAsked if `--help` stands there
   */
  done<T>(config: T): T {
    if (this.#helpAsked) throw new HelpAsked([this.#about, ...this.#read.values()].join('\n'))
    const known = [...this.#read.keys()].filter((name) => name.startsWith('--'))
    for (const flag of this.#given.keys()) {
      if (!this.#read.has(`--${flag}`)) this.problem(`unknown flag --${flag} (known: ${known.join(' ')})`)
    }
    if (this.#problems.length > 0) throw new ConfigError(this.#problems.join('; '))
    return config
  }

  /** What was given for the flag, or undefined: then the default holds. */
  #take(flag: string, rule: Described, fallback?: string, mayBeEmpty = false): string | undefined {
    this.#read.set(`--${flag}`, usageLine(`--${flag}`, rule, fallback))
    if (!this.#given.has(flag)) {
      const value = this.#env[twin(flag)]
      return value === '' ? undefined : value // an empty variable counts as none, as in most shells and Compose files
    }
    const value = this.#given.get(flag)
    if (value === undefined || (value === '' && !mayBeEmpty)) {
      this.problem(`--${flag} needs a value`)
      return undefined
    }
    return value
  }

  #wholeNumber(
    flag: string,
    rule: Described & { min?: number; max?: number },
    fallback?: string,
  ): number | undefined {
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = rule
    const text = this.#take(flag, rule, fallback)
    if (text === undefined) return undefined
    const value = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : NaN
    if (value >= min && value <= max) return value
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
    this.#wrong(flag, `a whole number ${range}`, text)
    return undefined
  }

  #wrong(flag: string, wanted: string, text: string): void {
    const name = this.#given.has(flag) ? `--${flag}` : twin(flag)
    this.problem(`${name} must be ${wanted}, not ${JSON.stringify(text)}`)
  }

  #url(flag: string, text: string, protocols = ['http:', 'https:'] as readonly string[]): string | undefined {
    const url = URL.parse(text)
    if (url !== null && protocols.includes(url.protocol) && url.hostname !== '') return withoutSlashes(text)
    const wanted = protocols.map((protocol) => `${protocol}//…`).join(' or ')
    // A URL of a database holds its password.
    this.#wrong(flag, `a URL like ${wanted}`, text.replace(/\/\/[^@/]*@/, '//***@'))
    return undefined
  }
}

/** Runs `read`; a wrong start ends the process with its one line and code 2, `--help` with its text and code 0. */
export function configOrExit<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof HelpAsked) {
      process.stdout.write(`${error.message}\n`)
      process.exit(0)
    }
    if (error instanceof ConfigError) {
      process.stderr.write(`Wrong start: ${error.message}\n`)
      process.exit(2)
    }
    throw error
  }
}

function twin(flag: string): string {
  return flag.toUpperCase().replaceAll('-', '_')
}

function usageLine(name: string, rule: Described, fallback?: string): string {
  return `  ${name.padEnd(20)} ${rule.says ?? ''}${fallback ? ` (default ${fallback})` : ''}`
}

/** Without those at its end. By hand: as a pattern it takes a time that grows with the square of the slashes. */
function withoutSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end -= 1
  return text.slice(0, end)
}
