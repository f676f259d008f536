import type { IncomingMessage } from 'node:http'
import { guestId, normaliseName, type User } from '@flotilla/protocol/frames.ts'

/** Who may come in: the origin, and one of three doors. Everything is decided before the upgrade. */

export interface DoorRules {
  guests: boolean
  origins: ReadonlySet<string>
  /** Resolves to who a token stands for, or undefined if it is not valid (any more). Rejects if nobody can tell now. */
  verify: (token: string) => Promise<User | undefined>
}

export type Entrance = { ok: true; user: User } | { ok: false; status: number; code: string }

const no = (status: number, code: string): Entrance => ({ ok: false, status, code })

export async function enter(request: IncomingMessage, rules: DoorRules): Promise<Entrance> {
  const { origin } = request.headers
  // Browsers always send it; programs that are none have nothing that a foreign page could borrow.
  if (origin !== undefined && !rules.origins.has(origin)) return no(403, 'foreign_origin')
  const query = URL.parse(request.url ?? '/', 'ws://server')?.searchParams
  const token = bearer(request.headers['sec-websocket-protocol']) ?? query?.get('token')
  if (token !== undefined && token !== null) return byToken(token, rules)
  const username = query?.get('username')
  if (username === undefined || username === null) return no(401, 'unauthenticated')
  if (!rules.guests) return no(403, 'guests_off')
  const name = normaliseName(username)
  return name === undefined ? no(403, 'bad_name') : { ok: true, user: { id: guestId(name), name } }
}

async function byToken(token: string, rules: DoorRules): Promise<Entrance> {
  try {
    const user = await rules.verify(token)
    return user === undefined ? no(401, 'unauthenticated') : { ok: true, user }
  } catch {
    return no(503, 'keys_unknown')
  }
}

function bearer(protocols: string | undefined): string | undefined {
  const parts = protocols?.split(',').map((part) => part.trim()) ?? []
  return parts.find((part) => part.startsWith('bearer.'))?.slice('bearer.'.length)
}
