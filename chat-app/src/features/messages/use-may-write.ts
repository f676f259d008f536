import { useEffect, useState } from 'react'
import type { RoomView } from '@flotilla/protocol/frames.ts'

/** `setTimeout` takes no more. */
const LONGEST_MS = 2 ** 31 - 1

/** Whether the reader may say something in the room now, as far as it has told; its home judges all the same. */
export function useMayWrite(view: RoomView | undefined): boolean {
  const isMuted = useMutedUntil(view) !== undefined
  return view !== undefined && view.archived !== true && !isMuted
}

/** Until when the reader may say nothing (ms since 1970); undefined: he may. It ends by itself. */
export function useMutedUntil(view: RoomView | undefined): number | undefined {
  const until = view?.mutedUntil
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (until === undefined || until <= now) return
    const leftMs = Math.max(0, until - Date.now()) // `now` may be long ago
    const timer = setTimeout(() => setNow(Date.now()), Math.min(leftMs, LONGEST_MS))
    return () => clearTimeout(timer)
  }, [until, now])
  return until !== undefined && until > now ? until : undefined
}
