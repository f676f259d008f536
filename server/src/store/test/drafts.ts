import type { Draft, Store } from '../store.ts'

export const ANN = { id: 'guest:ann', name: 'ann' }
export const BOB = { id: 'guest:bob', name: 'bob' }

/** What the taker of a room is told where nothing happened to the room itself. */
export const BARE = { floor: 1, chronicle: [] }

export function message(id: string, text = `text of ${id}`, more: Partial<Draft> = {}): Draft {
  return { id, user: ANN, type: 'message', ts: 1_000, text, ...more }
}

/** Appends to one room and returns its part of the answer. */
export async function appendTo(store: Store, room: string, epoch: number, ...drafts: Draft[]) {
  const { rooms } = await store.append([{ room, epoch, drafts }])
  return rooms[0]!
}

export async function texts(store: Store, room: string): Promise<(string | undefined)[]> {
  const entries = await store.read(room, { after: 0 }, 10_000)
  return entries.map((entry) => ('text' in entry ? entry.text : undefined))
}
