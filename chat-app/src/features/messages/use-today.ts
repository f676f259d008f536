import { useSyncExternalStore } from 'react'
import { startOfDay } from '@/features/messages/dates'

/** The midnight before now, in ms since 1970; draws again when a day ends, or "Today" would grow old. */
export function useToday(): number {
  return useSyncExternalStore(onMidnight, today)
}

function today(): number {
  return startOfDay(Date.now(), 0)
}

/** Looks every minute: a timer until midnight would be off after a laptop slept. */
function onMidnight(listener: () => void): () => void {
  let known = today()
  const timer = setInterval(() => {
    if (known === today()) return
    known = today()
    listener()
  }, 60_000)
  return () => clearInterval(timer)
}
