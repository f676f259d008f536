import { KeysRotatedSchema, RotateKeysSchema } from '@flotilla/protocol/accounts.ts'
import type { Logger } from '../log.ts'
import { ok, route, type Route } from '../http/route.ts'
import { ANNOUNCE_MS, type KeyRing } from './keys.ts'

export function keysRoutes({ keys, log, now }: { keys: KeyRing; log: Logger; now: () => number }): Route[] {
  return [
    route({
      method: 'post',
      path: '/internal/rotate-keys',
      summary: 'Another key signs tokens, from an hour on or as said. Nobody has to sign in again.',
      door: 'fleet',
      cors: false,
      body: RotateKeysSchema,
      answers: { status: 200, schema: KeysRotatedSchema },
      problems: [],
      perform: async ({ body }) => {
        const rotated = await keys.rotate(Math.floor(now()), body.announceMs ?? ANNOUNCE_MS)
        log.info(rotated, 'keys rotated by order')
        return ok(rotated)
      },
    }),
  ]
}
