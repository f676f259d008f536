import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AUDIENCE, ISSUER, MAX_TOKEN_CHARS, readClaims, TOKEN_TYPE } from '@flotilla/protocol/claims.ts'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet } from 'jose'
import type { Logger } from 'pino'
import { request } from 'undici'
import type { Admitted } from '../gateway/doors.ts'

/**
 * The balancer's public keys, kept in the data folder: whoever holds a token gets in while the balancer is down, even at a
 * server that was restarted meanwhile.
 */

const FILE = 'jwks.json'
/** A token may name a key made since the keys were fetched; it cannot make this server ask without end. */
const REFETCH_MS = 5_000
const MAX_BYTES = 64 * 1024

export class Keys {
  readonly #dir: string
  readonly #loadbalancers: readonly string[]
  readonly #log: Logger
  #set: ReturnType<typeof createLocalJWKSet> | undefined
  #fetchedAt = 0
  #fetching: Promise<void> | undefined

  constructor(options: { dir: string; loadbalancers: readonly string[]; log: Logger }) {
    this.#dir = options.dir
    this.#loadbalancers = options.loadbalancers
    this.#log = options.log
  }

  /**
   * @returns who the token stands for, and until when, or undefined if it is not a valid access token
   * @throws if no keys are known yet and no balancer answers
   */
  async verify(token: string): Promise<Admitted | undefined> {
    if (token.length > MAX_TOKEN_CHARS) return undefined
    if (this.#set === undefined) await this.#load()
    try {
      return await this.#check(token)
    } catch (cause) {
      if (!(cause instanceof errors.JWKSNoMatchingKey)) return undefined
    }
    if (Date.now() - this.#fetchedAt >= REFETCH_MS) await this.#fetch()
    return this.#check(token).catch(() => undefined)
  }

  async #check(token: string): Promise<Admitted | undefined> {
    if (this.#set === undefined) throw new Error('no keys of a balancer are known')
    const { payload, protectedHeader } = await jwtVerify(token, this.#set, {
      issuer: ISSUER,
      audience: AUDIENCE,
      typ: TOKEN_TYPE,
      algorithms: ['EdDSA', 'Ed25519'],
    })
    const claims = readClaims(protectedHeader, payload)
    if (claims === undefined) return undefined
    const { user, session, issuedAt, expiresAt } = claims
    // What was revoked is remembered for so long: one that lives longer would be good again.
    if (expiresAt - issuedAt > LIMITS.accessTokenMs) return undefined
    return { user, expiresAt, issuedAt, sid: session }
  }

  async #load(): Promise<void> {
    await this.#fetch()
    if (this.#set !== undefined) return
    try {
      const kept = await readFile(join(this.#dir, FILE), 'utf8')
      this.#set = createLocalJWKSet(JSON.parse(kept) as JSONWebKeySet)
    } catch {
      throw new Error('no keys of a balancer are known')
    }
  }

  /** Asks the balancers in turn; with none answering, the keys stay as they are. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchNow().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetchNow(): Promise<void> {
    this.#fetchedAt = Date.now()
    for (const url of this.#loadbalancers) {
      try {
        const answer = await request(`${url}/.well-known/jwks.json`, { signal: AbortSignal.timeout(2_000) })
        const text = await answer.body.text()
        if (answer.statusCode !== 200 || text.length > MAX_BYTES) continue
        this.#set = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet)
        const file = join(this.#dir, FILE)
        await writeFile(`${file}.new`, text) // on a full disk the keys that are kept stay
        await rename(`${file}.new`, file)
        return
      } catch (cause) {
        this.#log.debug({ loadbalancer: url, cause: (cause as Error).message }, 'keys not fetched')
      }
    }
  }
}
