import type { RoomId } from '@flotilla/protocol/frames.ts'

/** How long rooms stood still: from the times of sends and acks alone, so that it is what people would have noticed. */

export interface Span {
  from: number
  to: number
}

interface Sent {
  room: RoomId
  id: string
  at: number
}

/** What of all journals the gaps are made of. */
export interface Talk {
  invoked: readonly Sent[]
  acked: readonly Sent[]
}

/**
 * Of each room, the spans between two acks (anybody's) in which at least one send was waiting all the time; unordered within a
 * room is impossible: they follow each other. A send that was never acked waits for ever, and is not seen here.
 */
export function writeGaps(talks: readonly Talk[]): Map<RoomId, Span[]> {
  const waits = new Map<RoomId, Span[]>()
  for (const { invoked, acked } of talks) {
    const begun = new Map(invoked.map(({ room, id, at }) => [`${room} ${id}`, at]))
    for (const { room, id, at } of acked) {
      const from = begun.get(`${room} ${id}`)
      if (from === undefined) continue
      const list = waits.get(room)
      if (list === undefined) waits.set(room, [{ from, to: at }])
      else list.push({ from, to: at })
    }
  }
  return new Map([...waits].map(([room, list]) => [room, gapsOf(list)]))
}

/** `waits`: of every send of a room, from its invocation to its ack. */
function gapsOf(waits: Span[]): Span[] {
  waits.sort((a, b) => a.to - b.to)
  /** At each ack: when the first of those that were acked then or later was invoked. */
  const oldest: number[] = []
  let least = Infinity
  for (let at = waits.length - 1; at >= 0; at -= 1) oldest[at] = least = Math.min(least, waits[at]!.from)
  return waits.map(({ to }, at) => ({ from: Math.max(oldest[at]!, at === 0 ? 0 : waits[at - 1]!.to), to }))
}

/** The longest of the gaps that reach into the window; 0 if none does. */
export function longestWithin(gaps: readonly Span[], window: Span): number {
  let longest = 0
  for (let at = firstEndingAfter(gaps, window.from); at < gaps.length; at += 1) {
    const gap = gaps[at]!
    if (gap.from >= window.to) break
    longest = Math.max(longest, gap.to - gap.from)
  }
  return longest
}

/** When the first of them ends that ends after `time`. */
export function endAfter(gaps: readonly Span[], time: number): number | undefined {
  return gaps[firstEndingAfter(gaps, time)]?.to
}

function firstEndingAfter(gaps: readonly Span[], time: number): number {
  let low = 0
  let high = gaps.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (gaps[middle]!.to > time) high = middle
    else low = middle + 1
  }
  return low
}

/** @param part like 0.99; the nearest rank. @returns undefined of nothing */
export function quantile(values: readonly number[], part: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]
}
