import { normaliseName } from '@flotilla/protocol/frames.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'

/**
 * The names that the nicks of a log go by: itself where it is one, else one that leads back to it. No two nicks
 * share a name.
 */
export class Names {
  readonly #nameOf = new Map<string, string>()
  readonly #nickOf = new Map<string, string>()

  /** How many nicks could not be kept as they are. */
  get mapped(): number {
    return [...this.#nameOf].filter(([nick, name]) => nick !== name).length
  }

  nameOf(nick: string): string {
    const known = this.#nameOf.get(nick)
    if (known !== undefined) return known
    const name = this.#free(nick)
    this.#nameOf.set(nick, name)
    this.#nickOf.set(name, nick)
    return name
  }

  nickOf(name: string): string | undefined {
    return this.#nickOf.get(name)
  }

  #free(nick: string): string {
    if (normaliseName(nick) === nick && !this.#nickOf.has(nick)) return nick
    const bare = [...nick.toWellFormed().normalize('NFC')]
      .map((char) => (normaliseName(`x${char}x`) === undefined ? '?' : char))
      .join('')
      .trim()
    for (let number = 1; ; number += 1) {
      const ending = `~${number}`
      const name = [...bare].slice(0, LIMITS.nameChars - ending.length).join('') + ending
      if (!this.#nickOf.has(name) && normaliseName(name) === name) return name
    }
  }
}
