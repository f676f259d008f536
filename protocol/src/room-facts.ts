import { numberIn } from './acts.ts'

/** What a room is besides its people. */
export interface RoomFacts {
  name?: string
  topic?: string
  archived: boolean
  /** Least time between two messages of one person; 0 = any. */
  slowMs: number
  /** Absent = messages are kept for ever. */
  retentionDays?: number
}

/** … after an entry of its log; the same object, if that changed nothing of it. */
export function factsAfter(facts: RoomFacts, event: string, data: Record<string, unknown>): RoomFacts {
  switch (event) {
    case 'rename':
      return typeof data['name'] === 'string' ? { ...facts, name: data['name'] } : facts
    case 'topic': {
      const { topic: _, ...rest } = facts
      const { topic } = data
      return typeof topic === 'string' && topic !== '' ? { ...rest, topic } : rest
    }
    case 'slow':
      return { ...facts, slowMs: numberIn(data, 'everyMs') ?? 0 }
    case 'archive':
    case 'unarchive':
      return { ...facts, archived: event === 'archive' }
    case 'retention': {
      const { retentionDays: _, ...rest } = facts
      const days = numberIn(data, 'days')
      return days === undefined ? rest : { ...rest, retentionDays: days }
    }
    default:
      return facts
  }
}
