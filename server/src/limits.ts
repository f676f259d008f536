import type { LIMITS } from '@flotilla/protocol/limits.ts'

/** The limits that flags can change; without, they are as in `LIMITS`. What else stands there is fixed: both sides build on it. */
export type ServerLimits = Readonly<
  Record<
    Extract<
      keyof typeof LIMITS,
      | 'textChars'
      | 'frameBytes'
      | 'fragments'
      | 'bufferedChunks'
      | 'handshakeMs'
      | 'unackedSends'
      | 'highWaterBytes'
      | 'lowWaterBytes'
      | 'noProgressMs'
      | 'rateBurst'
    >,
    number
  >
>
