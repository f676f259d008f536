import { LOST_EVENT } from '@flotilla/protocol/acts.ts'

const DAY_MS = 86_400_000

/**
 * Before when what was said is to be forgotten, by the record of a room: its last `retention` entry says it (`data.days`). Where an
 * entry behind that is lost, which may have said otherwise, nothing is forgotten until somebody says it anew.
 * @param rests what its system entries say besides their text, as stores keep it, the last first
 * @returns undefined: never
 */
export function forgottenBefore(rests: Iterable<string | null>, now: number): number | undefined {
  for (const rest of rests) {
    if (rest === null || !(rest.includes('"retention"') || rest.includes(LOST_EVENT))) continue
    const { event, data } = JSON.parse(rest) as { event?: unknown; data?: { days?: unknown; was?: unknown } }
    if (event === LOST_EVENT && data?.was === 'system') return undefined
    if (event !== 'retention') continue
    const days = data?.days
    return typeof days === 'number' && days > 0 ? now - days * DAY_MS : undefined
  }
  return undefined
}
