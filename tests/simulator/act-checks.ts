import { ActSchema } from '@flotilla/protocol/acts.ts'
import type { Entry, RoomId, User } from '@flotilla/protocol/frames.ts'
import type { Genesis } from '@flotilla/protocol/genesis.ts'
import { judge } from '@flotilla/protocol/judge.ts'
import { Roster, whoLeaves } from '@flotilla/protocol/roster.ts'
import type { FinalRoom } from '../../scripts/chaos/invariants.ts'
import type { Asked } from './sim-acts.ts'
import type { SimClient } from './sim-client.ts'
import type { SimSocket } from './sim-line.ts'

/** Whether everybody did what he might, and nobody heard what was not for him: A = it is otherwise. */

/** Nothing stands in a log that what stands before it forbids. */
export function forbiddenEntries({ room, entries }: FinalRoom, genesis: Genesis): string[] {
  const breaches: string[] = []
  const roster = new Roster(genesis)
  for (const entry of entries) {
    const why = whyNot(roster, entry)
    if (why !== undefined)
      breaches.push(`A ${room}: ${entry.type} ${entry.seq} of ${entry.user.name}: ${why}`)
    if (entry.type === 'system') roster.apply(entry)
  }
  return breaches
}

function whyNot(roster: Roster, entry: Entry): string | undefined {
  if (entry.type !== 'system') return roster.maySend(entry.user, entry.ts)?.code
  const data = typeof entry.data === 'object' ? entry.data : {}
  const act = ActSchema.safeParse({ ...data, act: entry.event })
  if (!act.success) return 'no act'
  const verdict = judge(roster, entry.user, act.data, entry.ts)
  if (!verdict.ok) return verdict.code
  return verdict.event === undefined ? 'nothing to do' : undefined
}

/** What was refused has not happened, and what was done is there, where it was said to be. */
export function misreported({ room, entries }: FinalRoom, asked: readonly Asked[]): string[] {
  const seqOf = new Map(entries.map(({ id, seq }) => [id, seq]))
  return asked.flatMap(({ room: at, id, act, code, seq, isStale }) => {
    const found = seqOf.get(id)
    if (code !== undefined && isStale === true) return []
    if (at !== room || (code === undefined ? seq === undefined || seq === found : found === undefined))
      return []
    return [`A ${room}: ${act.act} ${id} was told to be ${code ?? seq}, and is at ${found}`]
  })
}

/** Who was sent out is shown nothing from there on, whatever he was connected to when it was asked for. */
export function overheard(
  { room, entries }: FinalRoom,
  asked: readonly Asked[],
  sockets: readonly SimSocket[],
): string[] {
  const startedAt = new Map(asked.map(({ id, startedAt: at }) => [id, at]))
  const breaches: string[] = []
  for (const entry of entries) {
    const gone = entry.type === 'system' ? whoLeaves(entry) : undefined
    if (gone === undefined) continue
    for (const { owner, streams } of sockets) {
      if (accountOf(owner).id !== gone.id) continue
      for (const stream of streams) {
        if (stream.room !== room || stream.joinedAt >= (startedAt.get(entry.id) ?? 0)) continue
        if (stream.last >= entry.seq)
          breaches.push(`A ${room}: ${owner} heard ${stream.last}, but left at ${entry.seq}`)
      }
    }
  }
  return breaches
}

/** Who may not be in a room is not, once all is quiet. */
export function intruders(
  { room, entries }: FinalRoom,
  genesis: Genesis,
  clients: readonly SimClient[],
  now: number,
): string[] {
  const roster = new Roster(genesis)
  for (const entry of entries) if (entry.type === 'system') roster.apply(entry)
  return clients.flatMap((client) => {
    const { name } = client.journal
    const isIn = [...client.in()].some(([id]) => id === room)
    return isIn && roster.mayEnter(accountOf(name), now) !== undefined
      ? [`A ${room}: ${name} is still in it`]
      : []
  })
}

export function accountOf(name: string): User {
  return { id: `user:${name}`, name }
}

export function genesisOf(
  room: RoomId,
  visibility: Genesis['visibility'],
  createdAt: number,
  owner: string,
): Genesis {
  return { name: room, visibility, createdAt, createdBy: accountOf(owner) }
}
