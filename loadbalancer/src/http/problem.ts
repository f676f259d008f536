import { PROBLEMS, type Problem, type ProblemCode } from '@flotilla/protocol/control.ts'
import type { Headers } from './route.ts'

/** A refusal as a value: what a caller can cause is answered, not thrown. */
export interface Refused {
  refused: ProblemCode
  /** For people, instead of the sentence of the code; never holds what the caller sent as a secret. */
  detail?: string
  headers?: Headers
  /** Of those who wait for the same, how many come before, and this one. */
  place?: number
}

export function refused(code: ProblemCode, detail?: string, headers?: Headers): Refused {
  return {
    refused: code,
    ...(detail === undefined ? {} : { detail }),
    ...(headers === undefined ? {} : { headers }),
  }
}

/** The body of a refusal, as RFC 9457 has it. */
export function problemOf({ refused: code, detail = PROBLEMS[code].detail, place }: Refused): Problem {
  const { status, title } = PROBLEMS[code]
  const type = `urn:flotilla:problem:${code}`
  return { type, title, status, code, detail, ...(place === undefined ? {} : { place }) }
}
