import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JSONWebKeySet,
  type JWK,
} from 'jose'

/**
 * The keys that sign access tokens. One signs at a time; those to come are published before they sign, and those that signed stay
 * published for as long as a token of theirs may live: so keys change without anybody having to sign in again.
 */

export const ALGORITHM = 'EdDSA'
/** A key signs for as long as this, then the next one does. */
export const KEY_MS = 30 * 24 * 3_600_000
/** How long before it signs a key is published. */
export const ANNOUNCE_MS = 3_600_000
/** Keys that wait or signed: an operator who rotates in a loop ends here, not with a file without end. */
const MAX_KEYS = 20

interface KeptKey extends JWK {
  kid: string
  /** Ms since 1970; absent in the first key of a file that is older than rotation: since ever. */
  signsFrom?: number
}

interface KeyFile {
  keys: KeptKey[]
  /** The key this folder began with: what the balancer is known by. */
  first?: string
}

export interface SigningKey {
  kid: string
  key: CryptoKey
}

export class KeyRing {
  readonly #file: string
  /** How long a key that signed no more is still asked for. */
  readonly #keepMs: number
  /** In the order in which they sign. */
  #kept: KeptKey[]
  #private = new Map<string, CryptoKey>()
  readonly #first: string
  #publicKeys: JSONWebKeySet = { keys: [] }
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(file: string, { keys, first }: KeyFile, keepMs: number) {
    this.#file = file
    this.#keepMs = keepMs
    this.#kept = keys
    this.#first = first ?? (keys[0] as KeptKey).kid
  }

  /**
   * The keys of `file` (mode 0600), which is made if it is missing. `keepMs`: for how long a token is good.
   * @throws if it holds no keys
   */
  static async open(file: string, now: number, keepMs: number): Promise<KeyRing> {
    const found = readKeys(file)
    if (found !== undefined && !isWhole(found)) throw new Error(`${file} holds no key`)
    const ring = new KeyRing(file, found ?? { keys: [await makeKey(now)] }, keepMs)
    if (found === undefined) ring.#save()
    await ring.#load()
    return ring
  }

  /** Of the first key this folder had; never changes. */
  get first(): string {
    return this.#first
  }

  /** All that sign, signed lately or will sign, without what is private in them. The same object until they change. */
  get publicKeys(): JSONWebKeySet {
    return this.#publicKeys
  }

  /** The one that signs at `now`. */
  signing(now: number): SigningKey {
    const at = this.#kept.findLastIndex((key) => signsFrom(key) <= now)
    const kid = this.#kept[Math.max(at, 0)]?.kid ?? ''
    return { kid, key: this.#private.get(kid) as CryptoKey }
  }

  /** Makes the next key where the last one is old enough, and drops those nobody needs any more. Call it every few minutes. */
  async tend(now: number): Promise<'rotated' | 'level'> {
    const last = this.#kept.at(-1) as KeptKey
    // One of a file from before rotation may be of any age: its time begins now.
    if (last.signsFrom === undefined && this.#kept.length === 1) {
      last.signsFrom = now
      this.#save()
    }
    if (now >= signsFrom(last) + KEY_MS - ANNOUNCE_MS) {
      await this.rotate(now, ANNOUNCE_MS)
      return 'rotated'
    }
    if (this.#drop(now)) await this.#change()
    return 'level'
  }

  /** Publishes a new key now, on file before anybody sees it, which signs `announceMs` from now. */
  rotate(now: number, announceMs: number): Promise<{ kid: string; signsFrom: number }> {
    const rotating = this.#turn.then(async () => {
      const next = await makeKey(now + announceMs)
      // What was to sign later than this one will not sign at all.
      this.#kept = [...this.#kept.filter((key) => signsFrom(key) <= now + announceMs), next]
      this.#drop(now)
      await this.#change()
      return { kid: next.kid, signsFrom: now + announceMs }
    })
    this.#turn = rotating.catch(() => undefined) // whoever asked hears of it
    return rotating
  }

  /** @returns whether any went */
  #drop(now: number): boolean {
    const before = this.#kept.length
    this.#kept = this.#kept.filter((_key, at) => {
      const next = this.#kept[at + 1]
      return next === undefined || signsFrom(next) + this.#keepMs > now
    })
    if (this.#kept.length > MAX_KEYS) this.#kept = this.#kept.slice(-MAX_KEYS)
    return this.#kept.length !== before
  }

  async #change(): Promise<void> {
    this.#save()
    await this.#load()
  }

  #save(): void {
    // Under another name first: a crash in between must not leave half a key. The folder is held by this process alone.
    const draft = `${this.#file}.new`
    const handle = openSync(draft, 'w', 0o600)
    try {
      writeSync(handle, JSON.stringify({ keys: this.#kept, first: this.#first } satisfies KeyFile))
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    chmodSync(draft, 0o600) // one that was left behind keeps the mode it had
    renameSync(draft, this.#file)
  }

  async #load(): Promise<void> {
    this.#private = new Map(
      await Promise.all(
        this.#kept.map(async (key) => [key.kid, (await importJWK(key, ALGORITHM)) as CryptoKey] as const),
      ),
    )
    this.#publicKeys = {
      keys: this.#kept.map(
        ({ kty, crv, x, kid }) => ({ kty, crv, x, kid, alg: ALGORITHM, use: 'sig' }) as JWK,
      ),
    }
  }
}

const signsFrom = (key: KeptKey) => key.signsFrom ?? -Infinity

function readKeys(file: string): KeyFile | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as KeyFile
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isWhole({ keys }: Partial<KeyFile>): boolean {
  return Array.isArray(keys) && keys.length > 0 && keys.every(({ kid }) => typeof kid === 'string')
}

async function makeKey(from: number): Promise<KeptKey> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), signsFrom: from }
}
