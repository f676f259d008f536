import type { IncomingMessage } from 'node:http'
import { guestId, normaliseName, type User } from '@flotilla/protocol/frames.ts'
import type { ProblemCode } from '../http-problem.ts'
import type { Bearing } from './revocations.ts'

/** Who may come in: the origin, and one of three doors. Everything is decided before the upgrade. */

/** What is asked of a handshake: one that Node read, or the quick door. */
export type HandshakeRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'>

/** Who is let in, and until when: ms since 1970, `Infinity` for ever. */
export interface Admitted extends Bearing {
  user: User
  expiresAt: number
}

export interface DoorRules {
  guests: boolean
  origins: ReadonlySet<string>
  /** Resolves to who a token stands for, or undefined if it is not valid (any more). Rejects if nobody can tell now. */
  verify: (token: string) => Promise<Admitted | undefined>
}

export type Entrance = ({ ok: true } & Admitted) | { ok: false; code: ProblemCode }
/** Whoever knocks and is not sent away at once: he is let in, or his token is looked at when his turn has come. */
export type Knock = ({ ok: true } & Admitted) | { ok: true; token: string }

const no = (code: ProblemCode) => ({ ok: false, code }) as const

/** All of the decision that costs nothing: whoever has no business here neither waits nor takes anyone's turn. */
export function knock(request: HandshakeRequest, rules: DoorRules): Knock | Extract<Entrance, { ok: false }> {
  const { origin } = request.headers
  // Browsers always send it; programs that are none have nothing that a foreign page could borrow.
  if (origin !== undefined && !rules.origins.has(origin)) return no('foreign_origin')
  const { url = '' } = request
  const query = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?')) : '')
  const token = bearer(request.headers['sec-websocket-protocol']) ?? query.get('token')
  if (token !== null) return { ok: true, token }
  const username = query.get('username')
  if (username === null) return no('unauthenticated')
  if (!rules.guests) return no('guests_off')
  const name = normaliseName(username)
  if (name === undefined) return no('bad_name')
  return { ok: true, user: { id: guestId(name), name }, expiresAt: Infinity }
}

/** The rest of it: whose token it is. */
export async function enter(knocked: Knock, rules: DoorRules): Promise<Entrance> {
  if (!('token' in knocked)) return knocked
  try {
    const admitted = await rules.verify(knocked.token)
    return admitted === undefined ? no('unauthenticated') : { ok: true, ...admitted }
  } catch {
    return no('keys_unknown')
  }
}

function bearer(protocols: string | undefined): string | undefined {
  const parts = protocols?.split(',').map((part) => part.trim()) ?? []
  return parts.find((part) => part.startsWith('bearer.'))?.slice('bearer.'.length)
}
