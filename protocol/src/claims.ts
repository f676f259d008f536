import * as z from 'zod/mini'
import { guestId, normaliseName, type User } from './frames.ts'

/** What an access token says (RFC 9068). The balancer mints it, and checks what it gets by the same schema as every server. */

export const ISSUER = 'flotilla'
export const AUDIENCE = 'chat'
export const TOKEN_TYPE = 'at+jwt'
/** Longer ones are refused before anything is computed. */
export const MAX_TOKEN_CHARS = 4_096

/** Seconds since 1970. Not whole ones where a token was issued: one of the second of a revocation would be neither before nor after it. */
const issuedAt = z.number().check(z.gte(0))
const expiresAt = z.int().check(z.gte(0))
const name = z.string().check(z.refine((given) => normaliseName(given) === given))
const id = z.string().check(z.minLength(1), z.maxLength(128))
const shared = {
  ...{ iss: z.literal(ISSUER), aud: z.literal(AUDIENCE), name, jti: id },
  ...{ iat: issuedAt, exp: expiresAt },
}

/** A session is what makes a token an account's, and can be ended; a guest has none. */
const ClaimsSchema = z.union([
  z.object({ ...shared, sub: z.string().check(z.regex(/^user:[\w-]{1,64}$/)), sid: id }),
  z
    .object({ ...shared, sub: z.string(), sid: z.optional(z.undefined()) })
    .check(z.refine(({ sub, name }) => sub === guestId(name))),
])
const HeaderSchema = z.object({ typ: z.literal(TOKEN_TYPE), kid: id })

/** What a good token says; times in ms since 1970. */
export interface Claims {
  user: User
  /** The session it was issued to; a guest has none. */
  session: string | undefined
  issuedAt: number
  expiresAt: number
}

/** Of a token whose signature was checked. @returns undefined where anything has another form than we give it */
export function readClaims(header: unknown, payload: unknown): Claims | undefined {
  const read = ClaimsSchema.safeParse(payload)
  if (!read.success || !HeaderSchema.safeParse(header).success) return undefined
  const { sub, name, sid, iat, exp } = read.data
  return { user: { id: sub, name }, session: sid, issuedAt: iat * 1_000, expiresAt: exp * 1_000 }
}
