import { setTimeout as pause } from 'node:timers/promises'
import { ChatClient } from '@flotilla/protocol/client/client.ts'
import type { RoomId } from '@flotilla/protocol/frames.ts'
import { until } from '../fleet/until.ts'
import type { LogLine } from './log-file.ts'
import { Member } from './member.ts'
import type { Names } from './names.ts'
import { Stage } from './stage.ts'

/** So many members come in at once. */
const ENTER_AT_ONCE = 32
const ENTER_MS = 60_000
/** Unanswered sends of one nick in the unordered mode. */
const WINDOW = 16
/** Nothing moved for this long: the replay ends, and its verification says what is missing. */
const STALL_MS = 60_000

export interface PlayOptions {
  loadbalancer: string
  room: RoomId
  /** `log`: a line is sent when the one before it is acked, or follows it in the same nick's outbox. */
  order: 'log' | 'sender'
  /** Times faster than it was said; undefined: as fast as acks come. Of order `log` only. */
  speed: number | undefined
  signal?: AbortSignal
  /** Called before each line is sent. */
  onLine?: (index: number) => void
}

/** Each nick of the log becomes a member of the room; resolves when all are in. */
export async function enterAll(
  nicks: Iterable<string>,
  names: Names,
  { loadbalancer, room, signal }: PlayOptions,
): Promise<{ stage: Stage; memberOf: Map<string, Member> }> {
  const stage = new Stage()
  const memberOf = new Map<string, Member>()
  for (const nick of nicks) {
    const name = names.nameOf(nick)
    const client = new ChatClient({ loadbalancers: [loadbalancer], identity: { username: name } })
    const member = new Member(name, client, room, stage)
    memberOf.set(nick, member)
    stage.members.push(member)
  }
  const waiting = [...stage.members]
  const bring = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      signal?.throwIfAborted()
      await within(ENTER_MS, `${next.name} did not get into the room`, next.enter())
    }
  }
  await Promise.all(Array.from({ length: ENTER_AT_ONCE }, bring))
  return { stage, memberOf }
}

/** Sends the lines and waits until every member has seen all. Ends early, without a throw, where nothing moves any more. */
export async function play(
  lines: readonly LogLine[],
  { stage, memberOf }: { stage: Stage; memberOf: ReadonlyMap<string, Member> },
  options: PlayOptions,
): Promise<void> {
  const stalled = new AbortController()
  const watch = setInterval(() => {
    if (stage.quietMs > STALL_MS && options.speed === undefined) stalled.abort()
  }, 1_000)
  const isOver = () => stalled.signal.aborted || options.signal?.aborted === true
  const over = new Promise<void>((resolve) => {
    stalled.signal.addEventListener('abort', () => resolve())
    options.signal?.addEventListener('abort', () => resolve())
  })
  try {
    const sendAll = options.order === 'log' ? sendInOrder : sendAtOnce
    await Promise.race([sendAll(lines, memberOf, options, isOver), over])
    await until(
      'all have seen all',
      () => isOver() || stage.members.every((member) => member.last >= stage.head),
      {
        timeoutMs: STALL_MS,
      },
    ).catch(() => {}) // what is missing, the verification says
  } finally {
    clearInterval(watch)
    for (const member of stage.members) member.leave()
  }
}

async function sendInOrder(
  lines: readonly LogLine[],
  memberOf: ReadonlyMap<string, Member>,
  { speed, onLine }: PlayOptions,
  isOver: () => boolean,
): Promise<void> {
  const startedAt = performance.now()
  const dueMs = speed === undefined ? undefined : dueTimes(lines, speed)
  let unanswered: Promise<void>[] = []
  let lastNick: string | undefined
  for (const [index, { nick, text, line }] of lines.entries()) {
    // One nick's sends keep their order by themselves; another's may only follow when they are in the log.
    if (nick !== lastNick) {
      await Promise.all(unanswered)
      unanswered = []
    }
    lastNick = nick
    const waitMs = dueMs ? startedAt + (dueMs[index] ?? 0) - performance.now() : 0
    if (waitMs > 0) await pause(waitMs)
    if (isOver()) return
    onLine?.(index)
    unanswered.push(memberOf.get(nick)?.send(text, line) ?? Promise.resolve())
  }
  await Promise.all(unanswered)
}

async function sendAtOnce(
  lines: readonly LogLine[],
  memberOf: ReadonlyMap<string, Member>,
  { onLine }: PlayOptions,
  isOver: () => boolean,
): Promise<void> {
  let index = 0
  const linesOf = Map.groupBy(lines, ({ nick }) => nick)
  await Promise.all(
    [...linesOf].map(async ([nick, own]) => {
      const window: Promise<void>[] = []
      for (const { text, line } of own) {
        if (window.length >= WINDOW) await window.shift()
        if (isOver()) return
        onLine?.(index++)
        window.push(memberOf.get(nick)?.send(text, line) ?? Promise.resolve())
      }
      await Promise.all(window)
    }),
  )
}

/** When each line is due after the first, in ms: logs tell the minute only, within it lines are spread evenly. */
export function dueTimes(lines: readonly LogLine[], speed: number): number[] {
  const perMinute = new Map<number, number>()
  for (const { minute } of lines) perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1)
  const first = lines[0]?.minute ?? 0
  const soFar = new Map<number, number>()
  return lines.map(({ minute }) => {
    const place = soFar.get(minute) ?? 0
    soFar.set(minute, place + 1)
    return ((minute - first + place / (perMinute.get(minute) ?? 1)) * 60_000) / speed
  })
}

async function within(ms: number, otherwise: string, promise: Promise<void>): Promise<void> {
  const timer = new AbortController()
  const late = pause(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(otherwise)
  })
  late.catch(() => {})
  await Promise.race([promise, late]).finally(() => timer.abort())
}
