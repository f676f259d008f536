import * as z from 'zod/mini'
import { UserSchema } from './frames.ts'

/**
 * What a room is before its first entry: made with it, never changed, and kept in the directory and, from the first `take` on,
 * with the room's log, so that a lost directory does not make a private room public. What changed since stands in the log. A room
 * without one is public, as all rooms once were.
 */
export const GenesisSchema = z.object({
  /** The first name; a `rename` entry gives another one. */
  name: z.string().check(z.maxLength(256)),
  /** `direct`: between two people, who are `people`. */
  visibility: z.enum(['public', 'private', 'direct']),
  /** Milliseconds since 1970. */
  createdAt: z.int().check(z.gte(0)),
  /** The first owner; a room that a guest made has none. */
  createdBy: z.optional(UserSchema),
  people: z.optional(z.tuple([UserSchema, UserSchema])),
})
export type Genesis = z.infer<typeof GenesisSchema>
