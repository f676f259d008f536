import { RateLimit } from '../http/rate-limit.ts'

export const GUESSES_MS = 15 * 60_000
const PER_ACCOUNT = 10
const PER_ADDRESS = 100

/** Who tries a password. */
export interface Guesser {
  /** What finds the account, whether there is one or not. */
  key: string
  address: string
  /** A device that once signed in to this account with its password. */
  device: Buffer | undefined
}

/**
 * How many wrong passwords there may be: per account, and per address over all accounts. A device the account knows has a count
 * of its own, so that nobody locks an owner out by guessing (OWASP, Slow Down Online Guessing Attacks with Device Cookies). Tries
 * under way count as wrong, or a thousand at once would all be let in.
 */
export class Guesses {
  readonly #accounts = new RateLimit(PER_ACCOUNT, GUESSES_MS)
  readonly #devices = new RateLimit(PER_ACCOUNT, GUESSES_MS)
  readonly #addresses = new RateLimit(PER_ADDRESS, GUESSES_MS)

  /** @returns how to take the try back, if it was not wrong; or the milliseconds until the next may come */
  take({ key, address, device }: Guesser, now: number): (() => void) | number {
    if (device !== undefined) {
      const ofDevice = `${device.toString('base64url')} ${key}`
      if (this.#devices.take(ofDevice, now) === 0) return () => this.#devices.giveBack(ofDevice)
    }
    // First: an address that may try no more must not bring up names either, until those that are counted are forgotten for them.
    const addressMs = this.#addresses.take(address, now)
    if (addressMs > 0) return addressMs
    const retryMs = this.#accounts.take(key, now)
    if (retryMs === 0) {
      return () => {
        this.#accounts.giveBack(key)
        this.#addresses.giveBack(address)
      }
    }
    this.#addresses.giveBack(address)
    return retryMs
  }
}
