import type { IncomingMessage, ServerResponse } from 'node:http'
import { bearsFleetSecret } from '@flotilla/protocol/node/fleet-secret.ts'
import type { Logger } from 'pino'
import type * as z from 'zod/mini'
import { sendJson, sendProblem, type ProblemCode } from './http-problem.ts'

/** Calls of the balancer to a chat server, as data: `POST /internal/…` with the secret of the fleet, JSON in and out. */

/** `ok`: the body of the answer. A refusal says why, and may say when to try again. */
export type InternalAnswer = { ok: object } | { problem: ProblemCode; detail?: string; retryMs?: number }

export interface InternalCall<B = unknown> {
  /** Below `/internal/`; a part that begins with `:` stands for any, and is handed on under its name. */
  path: string
  body: z.ZodMiniType<B>
  /** 64 KiB if not said. */
  maxBodyBytes?: number
  perform: (call: {
    params: Readonly<Record<string, string>>
    body: B
  }) => InternalAnswer | Promise<InternalAnswer>
}

/** Ties the type of the body to the schema that validates it. */
export const internalCall = <B>(call: InternalCall<B>): InternalCall => call as unknown as InternalCall

const MAX_BODY_BYTES = 64 * 1024

export interface InternalDoor {
  secret: string
  calls: readonly InternalCall[]
  log: Logger
}

/** Answers a request for a path that begins with `/internal/`. Whatever is thrown ends here, and is told to nobody but the log. */
export async function answerInternal(
  request: IncomingMessage,
  response: ServerResponse,
  { secret, calls, log }: InternalDoor,
): Promise<void> {
  // The door comes before everything else: a stranger learns nothing, and cannot make us read.
  if (!bearsFleetSecret(request.headers.authorization, secret)) {
    return sendProblem(response, 'no_fleet_secret')
  }
  const parts = (request.url?.split('?', 1)[0] ?? '').split('/').slice(2)
  const found = calls.map((call) => ({ call, params: match(call.path, parts) })).find(({ params }) => params)
  if (found?.params === undefined) return sendProblem(response, 'not_found')
  if (request.method !== 'POST') return sendProblem(response, 'only_post')
  const { call, params } = found
  try {
    const text = await readBody(request, call.maxBodyBytes ?? MAX_BODY_BYTES)
    if (text === undefined) return sendProblem(response, 'too_large', { close: true })
    const body = call.body.safeParse(parse(text))
    if (!body.success) {
      const where = body.error.issues[0]?.path.join('.') ?? ''
      return sendProblem(response, 'bad_request', { detail: `\`${where}\` is missing or wrong.` })
    }
    const answer = await call.perform({ params, body: body.data })
    if ('ok' in answer) sendJson(response, answer.ok)
    else sendProblem(response, answer.problem, answer)
  } catch (cause) {
    if (request.destroyed && !request.complete) return // who asked is gone: there is nobody to answer
    log.error({ err: cause, path: call.path }, 'an internal call failed')
    if (response.headersSent) response.destroy()
    else sendProblem(response, 'internal')
  }
}

function match(path: string, parts: readonly string[]): Record<string, string> | undefined {
  const names = path.split('/')
  if (names.length !== parts.length) return undefined
  const params: Record<string, string> = {}
  for (const [at, name] of names.entries()) {
    const part = parts[at] as string
    if (name.startsWith(':')) params[name.slice(1)] = part
    else if (name !== part) return undefined
  }
  return params
}

/** @returns undefined if it is longer than it may be */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
