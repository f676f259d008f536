// The short form (`npm run bench -- --short`): what a message and a connection cost, as parts of what they cost the plain
// server in the same run. It judges CPU and memory only, since times depend on who else is at work.
import { setTimeout as pause } from 'node:timers/promises'
import { enter, sendAt, withTarget, type Bench } from './chat-rows.ts'
import { judge, verdict, type Bound, type Figures } from './guard.ts'
import type { Sends } from './load/orders.ts'
import { cpuMsOf, fileLimit, rssKibOf } from './proc.ts'
import type { RunningTarget, Target } from './target.ts'

const SECONDS = 2
const WARM_UP_MS = 1_000
/** When something is beyond its bound, all of it is measured once more. */
const TRIES = 2
const SMALL_ROOMS = 500
const SMALL_MEMBERS = 10
const SMALL_RATE = 4_000
const LARGE_MEMBERS = 1_000
/** What server and load generator each hold open, and some to spare. */
const FILES = SMALL_ROOMS * SMALL_MEMBERS + 200
const LARGE_RATE = 200
const CALM_MS = 1_000
/** Looked at so often and so many times, a server that uses less of its core than that is calm. */
const CALM_STEP_MS = 200
const CALM_TRIES = 20
const CALM_CPU = 0.2
/** When other programs used more of a core than this, figures say little. */
const OTHERS_BUSY = 0.5

/** Three to five times what is usual, and twice the worst that was seen with both cores taken by others. */
export const BOUNDS: readonly Bound[] = [
  {
    key: 'largeUs',
    says: `W1 1 x ${LARGE_MEMBERS}, ${LARGE_RATE}/s: CPU us/delivery`,
    digits: 2,
    atMost: 0.8,
  },
  {
    key: 'smallUs',
    says: `W2 ${SMALL_ROOMS} x ${SMALL_MEMBERS}, ${SMALL_RATE}/s: CPU us/delivery`,
    digits: 2,
    atMost: 3,
  },
  { key: 'joinUs', says: 'W4 CPU us/join', digits: 0, atMost: 7 },
  { key: 'kibEach', says: 'W4 KiB per connection', digits: 1, atMost: 4 },
]

interface Measured {
  figures: Figures
  /** Most of a core that other programs used. */
  othersCpu: number
  /** What must not be, however busy the machine is. */
  wrong: string[]
}

/** @returns whether all is within its bounds, or cannot be judged; `say` gets the table and why */
export async function runShortForm(
  [flotilla, plain]: readonly [Target, Target],
  bench: Omit<Bench, 'seconds'>,
  say: (line: string) => void,
): Promise<boolean> {
  const files = fileLimit() ?? Infinity
  if (files < FILES) {
    say(`Not judged: a process may have ${files} files open here, and ${FILES} are needed.`)
    return true
  }
  const tries: { beyond: string[]; isBusy: boolean }[] = []
  do {
    if (tries.length > 0) say('Beyond a bound: measured once more.')
    const ours = await measureShort(flotilla, { ...bench, seconds: SECONDS, warmUpMs: WARM_UP_MS })
    const theirs = await measureShort(plain, { ...bench, seconds: SECONDS, warmUpMs: WARM_UP_MS })
    const { table, beyond, unknown } = judge(BOUNDS, ours.figures, theirs.figures)
    const othersCpu = Math.max(ours.othersCpu, theirs.othersCpu)
    for (const line of table) say(line)
    say(`Other programs used up to ${(othersCpu * 100).toFixed(0)} % of a core.`)
    if (unknown.length > 0) say(`Not judged, as this system does not tell: ${unknown.join('; ')}`)
    if (ours.wrong.length > 0) {
      say(`WRONG: ${ours.wrong.join('; ')}`)
      return false
    }
    tries.push({ beyond, isBusy: othersCpu > OTHERS_BUSY })
  } while (verdict(tries).beyond.length > 0 && tries.length < TRIES)
  const { beyond, isBusy } = verdict(tries)
  if (beyond.length === 0) return true
  if (isBusy) say(`Not judged, as other programs were too busy: ${beyond.join('; ')}`)
  else say(`SLOWER than its bound: ${beyond.join('; ')}`)
  return isBusy
}

/** One server for all: connections first, then small rooms, then a large one. */
function measureShort(target: Target, bench: Bench): Promise<Measured> {
  return withTarget(target, { rooms: SMALL_ROOMS + 1 }, bench, async (running) => {
    const { pid } = running
    const small: RunningTarget = { ...running, rooms: running.rooms.slice(0, SMALL_ROOMS) }
    const large: RunningTarget = { ...running, rooms: running.rooms.slice(SMALL_ROOMS) }
    await untilCalm(pid) // its own start is over
    const empty = { cpuMs: cpuMsOf(pid), rssKib: rssKibOf(pid) }
    const { clients } = await enter(small, SMALL_MEMBERS, bench)
    const joined = { cpuMs: cpuMsOf(pid) }
    await pause(CALM_MS)
    const calm = { rssKib: rssKibOf(pid) }
    const inSmall = await sendAt(SMALL_RATE, pid, bench)
    await bench.load.ask('leave', {})
    await untilCalm(pid)
    await enter(large, LARGE_MEMBERS, bench)
    const inLarge = await sendAt(LARGE_RATE, pid, bench)
    const each = (to: number | undefined, from: number | undefined) =>
      to === undefined || from === undefined ? undefined : (to - from) / clients
    const joinMs = each(joined.cpuMs, empty.cpuMs)
    return {
      figures: {
        largeUs: usPerDelivery(inLarge),
        smallUs: usPerDelivery(inSmall),
        joinUs: joinMs === undefined ? undefined : joinMs * 1_000,
        kibEach: each(calm.rssKib, empty.rssKib),
      },
      othersCpu: Math.max(
        ...[inSmall, inLarge].map(({ othersCpuMs = 0, windowMs }) => othersCpuMs / windowMs),
      ),
      wrong: [...whatIsWrong(inSmall), ...whatIsWrong(inLarge)],
    }
  })
}

/** Until it has done what it was asked for before: a server that could not keep up has it still to do. */
async function untilCalm(pid: number): Promise<void> {
  for (let i = 0; i < CALM_TRIES; i += 1) {
    const before = cpuMsOf(pid) ?? 0
    await pause(CALM_STEP_MS)
    if ((cpuMsOf(pid) ?? 0) - before <= CALM_STEP_MS * CALM_CPU) return
  }
}

function usPerDelivery({ serverCpuMs, deliveries }: Sends): number | undefined {
  return serverCpuMs === undefined ? undefined : (serverCpuMs * 1_000) / deliveries
}

function whatIsWrong({ surplusDeliveries, outOfOrder }: Sends): string[] {
  return [
    ...(surplusDeliveries > 0 ? [`${surplusDeliveries} deliveries too many`] : []),
    ...(outOfOrder > 0 ? [`${outOfOrder} deliveries out of order`] : []),
  ]
}
