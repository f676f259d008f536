import { randomUUID } from 'node:crypto'
import {
  AUDIENCE,
  ISSUER,
  MAX_TOKEN_CHARS,
  readClaims,
  TOKEN_TYPE,
  type Claims,
} from '@flotilla/protocol/claims.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import { createLocalJWKSet, jwtVerify, SignJWT, type CryptoKey, type JSONWebKeySet } from 'jose'
import { ALGORITHM, type KeyRing } from './keys.ts'

export const TOKEN_MS = 15 * 60_000

export interface Token {
  token: string
  /** Milliseconds since 1970. */
  expiresAt: number
}

/** Mints and checks access tokens (RFC 9068, with the rules of RFC 8725). Only the balancer has the private keys. */
export class Tokens {
  readonly #keys: KeyRing
  #published: JSONWebKeySet | undefined
  #set: ReturnType<typeof createLocalJWKSet> | undefined

  constructor(keys: KeyRing) {
    this.#keys = keys
  }

  /** What `/.well-known/jwks.json` publishes. */
  get publicKeys(): JSONWebKeySet {
    return this.#keys.publicKeys
  }

  async issue(user: User, now: number, session?: string): Promise<Token> {
    // Not whole seconds: a token of the same second as a revocation would be neither before nor after it.
    const issuedAt = Math.floor(now) / 1_000
    const expiresAt = Math.floor(issuedAt) + TOKEN_MS / 1_000
    const { kid, key } = this.#keys.signing(now)
    const claims = { name: user.name, iat: issuedAt, ...(session === undefined ? {} : { sid: session }) }
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, typ: TOKEN_TYPE, kid })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(user.id)
      .setJti(randomUUID())
      .setExpirationTime(expiresAt)
      .sign(key)
    return { token, expiresAt: expiresAt * 1_000 }
  }

  /** @returns what the token says; undefined for any that is not ours, or no longer good */
  async verify(token: string, now: number): Promise<Claims | undefined> {
    if (token.length > MAX_TOKEN_CHARS) return undefined
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#keySet(), {
        algorithms: [ALGORITHM],
        typ: TOKEN_TYPE,
        issuer: ISSUER,
        audience: AUDIENCE,
        currentDate: new Date(now),
      })
      return readClaims(protectedHeader, payload)
    } catch {
      return undefined
    }
  }

  #keySet(): (...of: Parameters<ReturnType<typeof createLocalJWKSet>>) => Promise<CryptoKey> {
    const published = this.#keys.publicKeys
    if (this.#set === undefined || this.#published !== published) {
      this.#published = published
      this.#set = createLocalJWKSet(published)
    }
    return this.#set
  }
}
