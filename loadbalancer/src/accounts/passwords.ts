import { argon2, randomBytes, timingSafeEqual, type Argon2Parameters } from 'node:crypto'
import { promisify } from 'node:util'
import { nameKey } from '@flotilla/protocol/names.ts'
import { dictionary } from '@zxcvbn-ts/language-common'

/**
 * Passwords are kept as argon2id hashes, in the form of the PHC string format:
 * `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, the parameters those of OWASP's Password Storage Cheat Sheet.
 */

const MEMORY_KIB = 19_456
const PASSES = 2
const LANES = 1
const SALT_BYTES = 16
const HASH_BYTES = 32
const MIN_CHARS = 8
const MAX_CHARS = 128
/** At once, each with 19 MiB and a thread of its own: two leave the rest of the process its processors. */
const AT_ONCE = 2
/** More who wait than this would wait for longer than anybody does: about 5 s. */
const WAITING = 100

/** What comes instead of an answer when too many wait already. */
export const BUSY = Symbol('busy')

const deriveKey = promisify(argon2) as (
  algorithm: 'argon2id',
  parameters: Argon2Parameters,
) => Promise<Buffer>
const COMMONEST: ReadonlySet<string> = new Set(
  dictionary['passwords-common'].filter((password) => password.length >= MIN_CHARS),
)

/** Why a password may not be used; undefined if it may. A sentence for people that holds nothing of it. */
export function whyUnusable(password: string, username: string): string | undefined {
  if (!password.isWellFormed()) return 'A password is made of characters.'
  const chars = [...sameForm(password)].length
  if (chars < MIN_CHARS || chars > MAX_CHARS) return `A password has ${MIN_CHARS} to ${MAX_CHARS} characters.`
  if (COMMONEST.has(password.toLowerCase()))
    return 'This password is one of the commonest: choose another one.'
  if (nameKey(password) === nameKey(username)) return 'A password is not the name: choose another one.'
  return undefined
}

/** Hashes and compares, a few at a time; who comes when too many wait is sent away. */
export class Passwords {
  readonly #hashed: () => void
  readonly #atOnce: number
  readonly #waitingLimit: number
  #running = 0
  readonly #waiting: (() => void)[] = []
  /** Of no password: what is compared where there is no account, so that it takes the same time. */
  readonly #nobodys = encode(randomBytes(SALT_BYTES), randomBytes(HASH_BYTES))

  /** `hashed`: called for each hash that is made. Each comparison is one, whoever is asked for. */
  constructor(hashed: () => void, { atOnce = AT_ONCE, waiting = WAITING } = {}) {
    this.#hashed = hashed
    this.#atOnce = atOnce
    this.#waitingLimit = waiting
  }

  async hash(password: string): Promise<string | typeof BUSY> {
    const salt = randomBytes(SALT_BYTES)
    const hash = await this.#derive(password, { salt, m: MEMORY_KIB, t: PASSES, p: LANES, bytes: HASH_BYTES })
    return hash === BUSY ? hash : encode(salt, hash)
  }

  /** `stored` undefined: there is no such account; as much work, and always false. @throws if `stored` is no hash */
  async isRight(password: string, stored: string | undefined): Promise<boolean | typeof BUSY> {
    const { hash, ...parameters } = decode(stored ?? this.#nobodys)
    const given = await this.#derive(password, { ...parameters, bytes: hash.length })
    if (given === BUSY) return given
    return timingSafeEqual(given, hash) && stored !== undefined
  }

  /** It was made with other parameters than today's. */
  isOutdated(stored: string): boolean {
    const { m, t, p } = decode(stored)
    return m !== MEMORY_KIB || t !== PASSES || p !== LANES
  }

  async #derive(password: string, { salt, m, t, p, bytes }: Parameters): Promise<Buffer | typeof BUSY> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.length >= this.#waitingLimit) return BUSY
      await new Promise<void>((done) => this.#waiting.push(done)) // whoever ends hands its place on
    } else this.#running += 1
    try {
      this.#hashed()
      return await deriveKey('argon2id', {
        message: sameForm(password),
        nonce: salt,
        parallelism: p,
        tagLength: bytes,
        memory: m,
        passes: t,
      })
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running -= 1
    }
  }
}

interface Parameters {
  salt: Buffer
  m: number
  t: number
  p: number
  bytes: number
}

/** The same password typed on another keyboard is the same (NIST SP 800-63B, 3.1.1.2). */
function sameForm(password: string): string {
  return password.normalize('NFKC')
}

function encode(salt: Buffer, hash: Buffer): string {
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${text(salt)}$${text(hash)}`
}

function decode(stored: string): Omit<Parameters, 'bytes'> & { hash: Buffer } {
  const [, m, t, p, salt = '', hash = ''] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored) ?? []
  if (hash === '') throw new Error('what is stored is no hash of a password')
  const bytes = (text: string) => Buffer.from(text, 'base64')
  return { m: Number(m), t: Number(t), p: Number(p), salt: bytes(salt), hash: bytes(hash) }
}
