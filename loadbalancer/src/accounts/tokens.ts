import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import type { User } from '@flotilla/protocol/frames.ts'
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
  type CryptoKey,
  type JSONWebKeySet,
  type JWK,
} from 'jose'

export const ISSUER = 'flotilla'
export const AUDIENCE = 'chat'
export const TOKEN_MS = 30 * 60_000
const ALGORITHM = 'EdDSA'
const TYPE = 'at+jwt'
/** Longer ones are refused before anything is computed. */
const MAX_TOKEN_CHARS = 4_096

export interface Token {
  token: string
  /** Milliseconds since 1970. */
  expiresAt: number
}

/** Mints and checks access tokens (RFC 9068, with the rules of RFC 8725). Only the balancer has the private key. */
export class Tokens {
  /** What `/.well-known/jwks.json` publishes. */
  readonly publicKeys: JSONWebKeySet
  readonly #key: CryptoKey
  readonly #kid: string
  readonly #publicKey: ReturnType<typeof createLocalJWKSet>

  constructor(key: CryptoKey, kid: string, publicKeys: JSONWebKeySet) {
    this.#key = key
    this.#kid = kid
    this.publicKeys = publicKeys
    this.#publicKey = createLocalJWKSet(publicKeys)
  }

  async issue(user: User, now: number): Promise<Token> {
    const issuedAt = Math.floor(now / 1_000)
    const expiresAt = issuedAt + TOKEN_MS / 1_000
    const token = await new SignJWT({ name: user.name })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: this.#kid })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(user.id)
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .sign(this.#key)
    return { token, expiresAt: expiresAt * 1_000 }
  }

  /** @returns whom the token was issued to; undefined for any that is not ours, or no longer good */
  async verify(token: string, now: number): Promise<User | undefined> {
    if (token.length > MAX_TOKEN_CHARS) return undefined
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#publicKey, {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ['iss', 'aud', 'sub', 'exp', 'jti'],
        currentDate: new Date(now),
      })
      const { sub, name } = payload
      if (protectedHeader.kid === undefined || typeof name !== 'string' || sub === undefined) return undefined
      return { id: sub, name }
    } catch {
      return undefined
    }
  }
}

interface KeyFile {
  /** The first one signs; all of them verify. */
  keys: JWK[]
}

/** Tokens with the keys of `file` (mode 0600), which is made if it is missing. @throws if it holds no keys */
export async function openTokens(file: string): Promise<Tokens> {
  const { keys } = readKeys(file) ?? (await makeKeys(file))
  const [jwk] = keys
  if (jwk?.kid === undefined) throw new Error(`${file} holds no key`)
  const key = (await importJWK(jwk, ALGORITHM)) as CryptoKey
  const publicKeys = keys.map(
    ({ kty, crv, x, kid }) => ({ kty, crv, x, kid, alg: ALGORITHM, use: 'sig' }) as JWK,
  )
  return new Tokens(key, jwk.kid, { keys: publicKeys })
}

function readKeys(file: string): KeyFile | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as KeyFile
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function makeKeys(file: string): Promise<KeyFile> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true })
  const jwk = await exportJWK(privateKey)
  const keys: KeyFile = { keys: [{ ...jwk, kid: await calculateJwkThumbprint(jwk) }] }
  // Under another name first: a crash in between must not leave half a key. The folder is held by this process alone.
  const draft = `${file}.new`
  const handle = openSync(draft, 'w', 0o600)
  try {
    writeSync(handle, JSON.stringify(keys))
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  chmodSync(draft, 0o600) // one that was left behind keeps the mode it had
  renameSync(draft, file)
  return keys
}
