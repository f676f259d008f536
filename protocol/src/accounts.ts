import * as z from 'zod/mini'
import { UserSchema } from './frames.ts'

/** The bodies of the balancer's calls about accounts and sessions. */

/** Milliseconds since 1970. */
const time = z.int().check(z.gte(0))
const username = z.string().check(z.maxLength(1_000))
/** Whether a password will do is the balancer's to say (`bad_password`); this only bounds what it has to look at. */
const password = z.string().check(z.maxLength(1_000))

export const SignUpSchema = z.object({ username, password })
/** Nobody is signed in by it. */
export const SignedUpSchema = z.object({ user: UserSchema })

/** Without a password: as a guest. */
export const LoginSchema = z.object({ username, password: z.optional(password) })
/** An access token, and how long it is good; of an account, the refresh cookie comes along in the header. */
export const LoggedInSchema = z.object({ token: z.string(), expiresAt: time, user: UserSchema })

/** `GET /api/me`. Of an account: when it was made, and the guest it was before, whose messages are its own. */
export const MeSchema = z.object({
  user: UserSchema,
  createdAt: z.optional(time),
  formerly: z.optional(z.string()),
})
export const ChangeMeSchema = z.object({ username: z.optional(username) })
export const ChangePasswordSchema = z.object({ old: password, new: password })
export const DeleteMeSchema = z.object({ password })

/** One sign-in of the account that has not ended. */
export const SessionSchema = z.object({
  id: z.string(),
  createdAt: time,
  /** When it last got a token. */
  usedAt: time,
  /** What the browser called itself. */
  agent: z.optional(z.string()),
  /** It is that of the token this was asked with. */
  current: z.boolean(),
})
export const SessionListSchema = z.array(SessionSchema)

/** Whom this account blocks. */
export const BlockListSchema = z.array(UserSchema)

/** `POST /internal/rotate-keys` (fleet secret): a new key is published now, and signs from then on. 0 = at once. */
export const RotateKeysSchema = z.object({
  announceMs: z.optional(z.int().check(z.gte(0), z.lte(30 * 24 * 3_600_000))),
})
export const KeysRotatedSchema = z.object({ kid: z.string(), signsFrom: time })

/** `POST /internal/forget-user` of a server (fleet secret): this account is gone, its name with it. */
export const ForgetUserSchema = z.object({ user: UserSchema })

export type LoggedIn = z.infer<typeof LoggedInSchema>
export type Me = z.infer<typeof MeSchema>
export type SessionRow = z.infer<typeof SessionSchema>
export type ForgetUser = z.infer<typeof ForgetUserSchema>
