import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ProblemCode } from '@flotilla/protocol/control.ts'
import type { User } from '@flotilla/protocol/frames.ts'
import type * as z from 'zod/mini'
import type { Refused } from './problem.ts'

/** One call of the API, as data: what mounts it, what validates it and what documents it read the same. */

export type Schema = z.ZodMiniType
export type Door = 'anyone' | 'fleet' | 'token'
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
/** Whose token a call bears. */
export interface Bearer {
  user: User
  session: string | undefined
}

export interface Call<B = unknown> {
  params: Readonly<Record<string, string>>
  query: URLSearchParams
  body: B
  /** Of the token; there where the door is `token`. */
  user: User
  /** Of the token, where it stands for an account: the session (`sid`) it was issued to. Guests have none. */
  session: string | undefined
  /** Who calls, for limits: an IPv4 address, or the /64 of an IPv6 one. */
  address: string
  /** A header of the request, by its name in lower case. */
  header: (name: string) => string | undefined
}

export interface Answer {
  status: number
  json: unknown
  headers?: Headers
}
/** A list: the header is sent that many times, as `set-cookie` must be. */
export type Headers = Readonly<Record<string, string | readonly string[]>>

export type Answered = Answer | Lines | Refused

/**
 * An answer that is made while it is read; what is thrown meanwhile cuts it off. `ended`: called once, whether it was read to its
 * end or not at all.
 */
export interface Lines {
  status: number
  type: string
  lines: AsyncIterable<string>
  ended?: () => void
}

export interface Route {
  method: Method
  path: string
  summary: string
  door: Door
  /** Pages of allowed origins may call it from a browser. */
  cors: boolean
  query?: Readonly<Record<string, string>>
  body?: Schema
  /** 64 KiB if not said, for calls of the fleet 1 MiB. */
  maxBodyBytes?: number
  /** What a success looks like: its schema, or its media type where it is not JSON. */
  answers: { status: number; schema?: Schema; type?: string }
  problems: readonly ProblemCode[]
  perform?: (call: Call<never>) => Promise<Answered> | Answered
  /** Instead of `perform`: writes to the response itself (streams, and the one call that must cost nothing). */
  respond?: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void
}

/** Ties the type of the body to the schema that validates it. */
export function route<S extends Schema>(
  given: Omit<Route, 'body' | 'perform'> & {
    body?: S
    perform?: (call: Call<z.infer<S>>) => Promise<Answered> | Answered
  },
): Route {
  return given
}

export const ok = (json: unknown, headers?: Headers): Answer => ({
  status: 200,
  json,
  ...(headers ? { headers } : {}),
})

/** A refusal as it is, anything else as the body of a success. */
export const okOr = (outcome: object | Refused): Answer | Refused =>
  'refused' in outcome ? outcome : ok(outcome)
