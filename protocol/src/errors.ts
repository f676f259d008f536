/**
 * Every code an `error` frame can carry; clients branch on these, never on the texts.
 * `again`: never final, the same request with the same id may succeed later.
 * `SPEC.md` describes each; a test holds the two lists together.
 */
export const ERRORS = {
  bad_json: { again: false, says: 'The line is not JSON.' },
  bad_message: { again: false, says: 'A field is missing or wrong.' },
  unknown_type: { again: false, says: 'There is no request of this type.' },
  not_joined: { again: false, says: 'Join the room first.' },
  no_such_room: { again: false, says: 'There is no such room, or not for you.' },
  no_such_message: { again: false, says: 'There is no such message in this room.' },
  forbidden: { again: false, says: 'You may not do this here.' },
  too_long: { again: false, says: 'The text is longer than the limit.' },
  conflict: { again: false, says: 'This id was used for another text.' },
  rate_limited: { again: true, says: 'Too fast: send the same id again after retryMs.' },
  gap: { again: true, says: 'The send before this one is not in the log: send again from there.' },
  busy: { again: true, says: 'The room cannot take this now: send the same id again.' },
} as const satisfies Record<string, { again: boolean; says: string }>

export type ErrorCode = keyof typeof ERRORS

/** Whether the same request may succeed later. A code of tomorrow is final unless it says when to try again. */
export function mayTryAgain(code: ErrorCode, retryMs: number | undefined): boolean {
  return (Object.hasOwn(ERRORS, code) && ERRORS[code].again) || retryMs !== undefined
}

/** A refusal a client can cause is a value; `retryMs` = when to try again, for codes with `again`. */
export interface Refusal {
  ok: false
  code: ErrorCode
  message?: string
  retryMs?: number
}

export type Result<T> = { ok: true; value: T } | Refusal

export function refuse(code: ErrorCode, message?: string, retryMs?: number): Refusal {
  return {
    ok: false,
    code,
    ...(message === undefined ? {} : { message }),
    ...(retryMs === undefined ? {} : { retryMs }),
  }
}
