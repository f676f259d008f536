import { randomInt, randomUUID } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { CloseCode } from '@flotilla/protocol/close-codes.ts'
import { RevokeSchema, type Command, type Peer, type Register } from '@flotilla/protocol/control.ts'
import { bearsFleetSecret, findFleetSecret } from '@flotilla/protocol/node/fleet-secret.ts'
import { makeFolder } from '@flotilla/protocol/node/folder.ts'
import { HttpDirectory } from './balancer/http-directory.ts'
import { Keys } from './balancer/keys.ts'
import { Reporter } from './balancer/reporter.ts'
import { watermarkCheck } from './balancer/watermark-check.ts'
import { LinkBus } from './bus/link-bus.ts'
import { systemClock, type Clock } from './clock.ts'
import { dataFolder, ID_FILE, parseAddress, type Config } from './config.ts'
import { Drain } from './drain.ts'
import type { AdmissionLimits } from './gateway/admission.ts'
import { Gateway } from './gateway/gateway.ts'
import { QuickDoor } from './gateway/quick-door.ts'
import { internalCall } from './http-internal.ts'
import { problemOfParser, refuseSocket } from './http-problem.ts'
import { answerHttp } from './http-routes.ts'
import { createLog, type Log } from './log.ts'
import { Metrics } from './metrics.ts'
import { roomCalls } from './room-calls.ts'
import { Committer } from './rooms/committer.ts'
import { Pressure } from './rooms/pressure.ts'
import { Rooms } from './rooms/rooms.ts'
import { lockDataDir, type DataLock } from './store/data-lock.ts'
import { openSqliteStore, type SqliteStore } from './store/sqlite-store.ts'

/** A chat server, its parts put together by hand. */

/** The event loop is looked at this often; what it is late is counted from there. */
const LOOP_RESOLUTION_MS = 10

/** A request on whose connection nothing moves, as nobody reads the answer, is given up. Not a client's: `ws` lifts it. */
const STILL_MS = 30_000

/** Connections that sent nothing for so long get no quick answer any more. */
const SILENT_MS = 1_000

export interface ChatServer {
  id: string
  inc: string
  /** Where clients connect. */
  url: string
  port: number
  dataDir: string
  /** Moves rooms and clients elsewhere, then stops; at the deadline in any case. */
  drain(): Promise<void>
  /** Stops now: what was accepted is committed, clients are told that the server goes. */
  stop(): Promise<void>
  /** Resolves with the cause if the server can no longer keep its promise and has to end. */
  lost: Promise<unknown>
}

/**
 * @param ports what decides anything by time or by how much this machine can do; tests pass their own
 * @throws with one clear line if the port, the data folder or the store cannot be used
 */
export async function startServer(
  config: Config,
  ports: { clock?: Clock; admission?: Partial<AdmissionLimits> } = {},
): Promise<ChatServer> {
  const { clock = systemClock } = ports
  const http = createServer({
    noDelay: true, // what is written is put together here already
    requestTimeout: config.limits.handshakeMs,
    headersTimeout: config.limits.handshakeMs,
    connectionsCheckingInterval: Math.min(1_000, config.limits.handshakeMs), // by default Node looks for late ones every 30 s only
  })
  http.timeout = STILL_MS
  const door = new QuickDoor({
    http,
    clock,
    silentMs: Math.min(SILENT_MS, config.limits.handshakeMs),
    mostStrangers: config.unauthenticated,
    dropped: () => (metrics.strangersDropped += 1),
    upgrade: (request, socket, head) => gateway.upgrade(request, socket, head),
  })
  const port = await listen(http, config)
  const { dir, root } = dataFolder(config.data, port)
  let lock: DataLock | undefined
  let log: Log
  let store: SqliteStore
  const lost = Promise.withResolvers<unknown>()
  const opened = Promise.withResolvers<Rooms>()
  const inc = randomUUID()
  let id: string
  let secret: string
  try {
    makeFolder(dir)
    lock = lockDataDir(dir)
    secret = findFleetSecret(root, config.fleetSecret)
    id = ownId(dir)
    log = createLog({ dir, level: config.logLevel, id, inc })
    store = await openSqliteStore({
      dir,
      self: id,
      onLost: (cause) => lost.resolve(cause),
      onCopyFailed: (room, why) => log.warn({ room, why }, 'the rest of a room cannot be copied now'),
      onRenewed: (room) => {
        log.error({ room }, 'an entry was damaged where the room was before: the room has another log')
        void opened.promise.then((all) => all.renewed(room))
      },
      onWhole: (room) => void opened.promise.then((all) => all.whole(room)),
    })
  } catch (cause) {
    door.close()
    http.close()
    lock?.release()
    throw cause
  }
  const held = await store.held()
  const { commitNo } = await store.append([])

  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
  loop.enable()
  let loopDelayMs = 0
  const loopNow = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
  loopNow.enable()
  const metrics: Metrics = new Metrics({
    clients: () => gateway.clients,
    rooms: () => rooms.size,
    loopDelayMs: () => loopDelayMs,
    admissionRate: () => gateway.admissionRate,
    storeReads: () => store.reads,
    lag: () => rooms.lag,
  })
  metrics.commit.commitNo = commitNo
  const bus = new LinkBus({
    self: { id, inc },
    secret,
    clock,
    log,
    counters: metrics.bus,
    limits: config.limits,
  })
  const committer = new Committer({ store, clock, counters: metrics.commit, onLost: lost.resolve })
  const directory = new HttpDirectory({ self: id, loadbalancers: config.loadbalancers, secret, log })
  // Not from 0: an answer to the run before this one, still on its way, must fit no request of this one.
  let requests = randomInt(2 ** 47)
  const reporters: Reporter[] = []
  /** Every balancer answered the first registration, or could not. */
  const triedAll = () => Promise.all(reporters.map(({ tried }) => tried))
  const rooms: Rooms = new Rooms(
    {
      self: id,
      clock,
      random: Math.random,
      bus,
      store,
      committer,
      directory,
      feedCounters: metrics.feed,
      pressure: new Pressure(
        clock,
        () => performance.eventLoopUtilization().active,
        () => metrics.feed.writes,
      ),
      highWaterBytes: config.limits.highWaterBytes,
      nextRequest: () => (requests += 1),
      moved: (how) => metrics.moved(how),
      confirmed: triedAll,
      note: (event, { cause, ...detail }) => {
        if (cause === undefined) log.info(detail, event)
        else log.error({ ...detail, err: cause }, event)
      },
    },
    held,
  )

  opened.resolve(rooms)
  if (store.isRenewed) log.error({ commitNo }, 'the store is older than it was: its logs are renewed')
  const confirm = watermarkCheck({ store, rooms, counters: metrics.commit, log })

  let peers: Peer[] = []
  const keys = new Keys({ dir, loadbalancers: config.loadbalancers, log })
  const gateway: Gateway = new Gateway({
    server: id,
    doors: {
      guests: config.guests,
      origins: new Set(config.origins),
      // What was revoked while this server was away it hears with its registration, where a balancer can be asked.
      verify: async (token) => {
        await triedAll()
        return keys.verify(token)
      },
    },
    capacity: config.capacity,
    perIp: config.perIp,
    perUser: config.perUser,
    rate: config.rate,
    joins: config.joins,
    lines: config.lines,
    limits: config.limits,
    rooms,
    metrics,
    clock,
    random: Math.random,
    log,
    alternatives: () => peers.map(({ url }) => url),
    ...(ports.admission === undefined ? {} : { admission: ports.admission }),
    loopDelayMs: () => {
      const lateMs = loopNow.max / 1e6 - LOOP_RESOLUTION_MS
      if (lateMs > LOOP_RESOLUTION_MS) loopNow.reset() // it costs, twenty times a second, more than all else that an idle server does
      return Math.max(0, lateMs)
    },
    changed: () => reporters.forEach((reporter) => reporter.changed()),
  })
  const drain = new Drain({
    clock,
    deadlineMs: config.drainMs,
    gateway,
    rooms,
    report: () => Promise.all(reporters.map((reporter) => reporter.told())),
    log,
  })
  /** Told to end (SIGTERM): a drain is not cancelled any more. */
  let isEnding = false
  const advertisedHost = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host
  const url = config.publicUrl ?? `ws://${bracketed(advertisedHost)}:${port}/ws`
  const advertised = parseAddress(config.advertise ?? '') ?? { host: advertisedHost, port }
  const identity = (): Register => ({
    id,
    url,
    ...advertised,
    capacity: config.capacity,
    inc,
    rooms: rooms.held(),
    dataDir: dir,
    commitNo: metrics.commit.commitNo,
    ...(store.isRenewed && { renewed: true }),
  })
  const obey = (command: Command) => {
    switch (command.type) {
      case 'servers':
        peers = command.servers.filter((peer) => peer.id !== id)
        for (const peer of peers) bus.know(peer)
        break
      case 'drain':
        void drain.begin()
        break
      case 'cancel-drain':
        if (!isEnding) drain.cancel()
    }
  }
  for (const loadbalancer of config.loadbalancers) {
    reporters.push(
      new Reporter({
        url: loadbalancer,
        secret,
        clock,
        random: Math.random,
        identity,
        registered: (watermark) => confirm(watermark),
        revoked: (revoked) => gateway.revoke(revoked),
        load: () => {
          loopDelayMs = Math.max(0, loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS)
          loop.reset()
          return {
            clients: gateway.clients,
            rooms: rooms.size,
            draining: drain.state !== 'serving',
            loopDelayMs: Number.isFinite(loopDelayMs) ? loopDelayMs : 0,
            commitNo: metrics.commit.commitNo,
          }
        },
        onCommand: (command) => obey(command),
        log,
      }),
    )
  }

  const facts = () => ({
    id,
    inc,
    ok: true,
    clients: gateway.clients,
    rooms: rooms.size,
    homes: rooms.homes,
    state: drain.state,
  })
  const calls = [
    internalCall({
      path: 'revoke',
      body: RevokeSchema,
      maxBodyBytes: 1024 * 1024,
      perform: ({ body }) => {
        gateway.revoke(body)
        return { ok: {} }
      },
    }),
    ...roomCalls({ rooms, store, now: () => clock.now() }),
  ]
  const answers = new WeakMap<Duplex, ServerResponse>()
  http.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    answers.set(socket, response)
    response.once('close', () => answers.delete(socket))
    if (bearsFleetSecret(request.headers.authorization, secret)) door.known(socket)
    void answerHttp(request, response, {
      healthz: facts,
      isReady: () => drain.state === 'serving',
      metrics,
      internal: { secret, calls, log },
    })
  })
  http.on('upgrade', (request: IncomingMessage, socket, head: Buffer) => {
    // Node takes its own listener away: without one, a client that resets the line would end the process.
    socket.on('error', () => socket.destroy())
    door.known(socket as Socket)
    const path = request.url?.split('?', 1)[0]
    if (path === '/ws') gateway.upgrade(request, socket, head)
    else if (path === '/link') bus.upgrade(request, socket, head)
    else refuseSocket(socket, 'not_found')
  })
  http.on('clientError', (error, socket) => {
    // In the midst of an answer a second one would be taken for its body.
    if (socket.writable && answers.get(socket)?.headersSent !== true)
      refuseSocket(socket, problemOfParser(error))
    else socket.destroy()
  })
  door.open()
  for (const reporter of reporters) reporter.start()
  log.info({ url, held: held.length }, 'serving')

  let stopping: Promise<void> | undefined
  const stop = (code: CloseCode = 1001) => {
    stopping ??= (async () => {
      drain.close()
      http.close()
      door.close()
      // First, so that nobody hears of all the clients leaving: those who come back elsewhere never left.
      await bus.close()
      await gateway.closeAll(code)
      await committer.settle()
      rooms.close()
      await Promise.all(reporters.map((reporter) => reporter.stop()))
      await directory.close()
      await store.close()
      loop.disable()
      loopNow.disable()
      http.closeAllConnections()
      log.info('stopped')
      await log.end()
      lock.release()
    })()
    return stopping
  }
  return {
    id,
    inc,
    url,
    port,
    dataDir: dir,
    stop: () => stop(),
    async drain() {
      isEnding = true
      await drain.begin()
      await stop(1012)
    },
    lost: lost.promise,
  }
}

async function listen(http: HttpServer, config: Config): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen({ host: config.host, port: config.port, backlog: 4_096 }, resolve)
  })
  return (http.address() as AddressInfo).port
}

/** Made once, kept with the data: a server is its rooms, not its port. */
function ownId(dir: string): string {
  const file = join(dir, ID_FILE)
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const id = `s-${randomUUID().slice(0, 8)}`
  writeFileSync(file, `${id}\n`)
  return id
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
