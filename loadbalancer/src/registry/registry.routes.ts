import {
  ChosenSchema,
  DrainSchema,
  RegisteredSchema,
  RegisterSchema,
  ServerListSchema,
  UpdatedSchema,
  UpdateSchema,
  type Chosen,
  type Register,
  type Revoke,
} from '@flotilla/protocol/control.ts'
import { RoomIdSchema, type RoomId } from '@flotilla/protocol/frames.ts'
import { WaitingLine } from '@flotilla/protocol/waiting-line.ts'
import type { Request } from 'express'
import { refused, type Refused } from '../http/problem.ts'
import { ok, route, type Answer, type Route } from '../http/route.ts'
import { addressOf, sendJson, sendRefusal } from '../http/mount.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { DirectoryStore } from '../rooms/directory-store.ts'
import { DIAL_BACK_MS, type Prober } from './probe.ts'
import { HEARTBEAT_MS, type Registry } from './registry.ts'

/** When to ask again where there is no server at all. */
const RETRY_AFTER_S = '2'

/** What a client may show to keep its place in line. */
const TICKET = /^[\w-]{1,64}$/

export interface RegistryParts {
  registry: Registry
  prober: Prober
  store: DirectoryStore
  watermarks: Map<string, number>
  /** Hears of rooms that a server told of and that were not known, or not so. */
  learnt: (rooms: readonly RoomId[]) => void
  /** Hears, before a server is listed, that its store is older than it was; what it writes down is on file when it resolves. */
  setBack: (server: string) => Promise<void>
  /** Tokens that are good no more. */
  revoked: () => Revoke
  /** Hears that a server is listed. */
  registered: () => void
  metrics: Metrics
  log: Logger
  now: () => number
}

export function registryRoutes(parts: RegistryParts): Route[] {
  const line = new WaitingLine()
  const { registry, watermarks, metrics, log, now } = parts
  return [
    route({
      method: 'get',
      path: '/get',
      summary: 'The server for the next client: the one with the least of its capacity in use.',
      door: 'anyone',
      cors: true,
      query: {
        room: 'Prefer the home of this public room, while it has room to spare.',
        ticket:
          'Anything of its own by which a client keeps its place in line while all servers are full; else its address does.',
      },
      answers: { status: 200, schema: ChosenSchema },
      problems: ['no_server'],
      respond: async (request, response) => {
        const answer = await choose(parts, line, request as Request)
        if ('refused' in answer) sendRefusal(response, answer, parts)
        else sendJson(response, answer)
      },
    }),
    route({
      method: 'get',
      path: '/servers',
      summary: 'The servers as seen now.',
      door: 'anyone',
      cors: true,
      answers: { status: 200, schema: ServerListSchema },
      problems: [],
      perform: () => ok(registry.rows(now())),
    }),
    route({
      method: 'post',
      path: '/register',
      summary: 'A chat server makes itself known; it is dialled back before it is listed.',
      door: 'fleet',
      cors: false,
      body: RegisterSchema,
      maxBodyBytes: 16 * 1024 * 1024, // the rooms of a server stand in it
      answers: { status: 200, schema: RegisteredSchema },
      problems: ['stale_incarnation', 'dial_back_failed'],
      perform: async ({ body }) => {
        const answer = await register(parts, body)
        metrics.registrations.inc({ outcome: 'refused' in answer ? answer.refused : 'registered' })
        return answer
      },
    }),
    route({
      method: 'post',
      path: '/update',
      summary: 'The load of a chat server now; answered with what it shall do.',
      door: 'fleet',
      cors: false,
      body: UpdateSchema,
      answers: { status: 200, schema: UpdatedSchema },
      problems: ['unknown_server', 'stale_incarnation'],
      perform: ({ body }) => {
        const outcome = registry.update(body, now())
        if (typeof outcome === 'string') {
          metrics.reports.inc({ outcome })
          return refused(outcome)
        }
        metrics.reports.inc({ outcome: outcome.isNew ? 'taken' : 'old' })
        if (outcome.isNew) watermarks.set(body.id, Math.max(body.commitNo, watermarks.get(body.id) ?? 0))
        return ok({ commands: outcome.commands })
      },
    }),
    route({
      method: 'post',
      path: '/internal/drain',
      summary: 'Sends a server no more clients and tells it to drain, or takes that back.',
      door: 'fleet',
      cors: false,
      body: DrainSchema,
      answers: { status: 200, schema: DrainSchema },
      problems: ['unknown_server'],
      perform: ({ body }) => {
        if (!registry.drain(body.id, body.drain)) return refused('unknown_server')
        log.info(body, 'drain ordered')
        return ok(body)
      },
    }),
  ]
}

/** `GET /get`: nothing here may cost more than the choice itself. */
async function choose(
  { registry, store, metrics, now }: RegistryParts,
  line: WaitingLine,
  request: Request,
): Promise<Answer | Refused> {
  const { url } = request
  const query = url.indexOf('?')
  const asked = query < 0 ? undefined : new URLSearchParams(url.slice(query))
  const full = () => {
    const free = registry.places(now())
    if (free === undefined) return undefined
    const address = addressOf(request)
    const ticket = asked?.get('ticket') ?? ''
    const [key, before] = TICKET.test(ticket) ? [`ticket ${ticket}`, address] : [address]
    const place = line.ask(key, free, now(), before)
    return place.isIn ? undefined : inLine(place, metrics)
  }
  // Whoever comes while others wait stands behind them.
  const behind = line.length > 0 ? full() : undefined
  if (behind !== undefined) return behind
  const room = asked?.get('room') ?? null
  // Of a public room only: nobody learns here whether there is another one of that id.
  const home = RoomIdSchema.safeParse(room).success ? await store.publicHome(room as string) : undefined
  const choice = registry.choose(now(), home)
  if (choice === undefined) {
    const place = full()
    if (place !== undefined) return place
    metrics.chosen.inc({ outcome: 'none' })
    return refused('no_server', undefined, { 'retry-after': RETRY_AFTER_S })
  }
  metrics.chosen.inc({ outcome: choice.isHome ? 'home' : 'least' })
  const { server, alternatives } = choice
  const { id, host, port, clients: load } = server
  const address = `ws://${host.includes(':') ? `[${host}]` : host}:${port}`
  return ok({ id, host, port, address, load, url: server.url, alternatives } satisfies Chosen)
}

function inLine({ place, retryMs }: { place: number; retryMs: number }, metrics: Metrics): Refused {
  metrics.chosen.inc({ outcome: 'full' })
  const seconds = String(Math.ceil(retryMs / 1_000))
  const detail = `All chat servers are full: you are number ${place} in line. Ask again when Retry-After says.`
  return { ...refused('no_server', detail, { 'retry-after': seconds }), place }
}

async function register(parts: RegistryParts, body: Register): Promise<Answer | Refused> {
  const { registry, prober, store, metrics, log, now } = parts
  const { id, inc, host, port } = body
  if (registry.isStale(id, inc)) return refused('stale_incarnation')
  const outcome = await prober.ask(body, id, inc, DIAL_BACK_MS)
  metrics.probes.inc({ why: 'dial_back', outcome })
  if (outcome !== 'ok') {
    log.warn({ id, inc, host, port, outcome }, 'dial-back failed')
    return refused(
      'dial_back_failed',
      `GET http://${host}:${port}/healthz did not answer with this id and inc (${outcome}).`,
    )
  }
  // On file first: once it is listed, rooms are placed on it, and their homes have to be found after a crash.
  await store.saveServer({ ...body, dataDir: body.dataDir, heardAt: now() })
  const learnt = await store.adoptRooms(id, body.rooms ?? [], Math.floor(now()))
  const watermark = Math.max(parts.watermarks.get(id) ?? 0, (await store.watermark(id)) ?? 0)
  if (body.renewed === true || (body.commitNo ?? Infinity) < watermark) await parts.setBack(id)
  if (registry.register(body, now()) === 'stale_incarnation') return refused('stale_incarnation')
  parts.learnt(learnt)
  log.info({ id, inc, host, port, capacity: body.capacity, roomsLearnt: learnt.length }, 'registered')
  parts.registered()
  return ok({ heartbeatMs: HEARTBEAT_MS, watermark, revoked: parts.revoked() })
}
