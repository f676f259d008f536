import { createHash, randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { findFleetSecret } from '@flotilla/protocol/node/fleet-secret.ts'
import * as z from 'zod/mini'
import express, { type Express } from 'express'
import packageJson from '../package.json' with { type: 'json' }
import { openAccounts } from './accounts/open-accounts.ts'
import type { Config } from './config.ts'
import { holdFolder, StartError, unwritable } from './data-folder.ts'
import { Events, HEARTBEAT_MS as EVENTS_BEAT_MS } from './events.ts'
import { cookieJar } from './http/cookies.ts'
import { asyncApi } from './http/asyncapi.ts'
import { Cors } from './http/cors.ts'
import { createListener } from './http/listener.ts'
import { mount, mountEnd, mountSafety, type Gate } from './http/mount.ts'
import { openApi } from './http/openapi.ts'
import { ok, route, type Route } from './http/route.ts'
import { mountWebApp } from './http/web-app.ts'
import { openLog } from './log.ts'
import { Metrics } from './metrics.ts'
import { Patrol } from './registry/patrol.ts'
import { Prober } from './registry/probe.ts'
import { FORGET_MS, Registry } from './registry/registry.ts'
import { registryRoutes } from './registry/registry.routes.ts'
import { openDirectoryFile } from './rooms/directory-schema.ts'
import { Placement } from './rooms/placement.ts'
import { HomeClient } from './rooms/home-client.ts'
import { Rooms } from './rooms/rooms.ts'
import { SqliteDirectoryStore } from './rooms/sqlite-directory-store.ts'
import type { SqliteFile } from './sqlite-file.ts'
import { statusRoutes } from './status.routes.ts'

/** What decides anything by time or chance; tests pass their own. */
export interface Ports {
  /** Milliseconds since 1970 that never go back. */
  now: () => number
  /** 0 ≤ … < 1 */
  random: () => number
}
const REAL: Ports = { now: () => performance.timeOrigin + performance.now(), random: Math.random }

export interface Loadbalancer {
  id: string
  /** `http://host:port`, as it listens. */
  url: string
  fleetSecret: string
  close: () => Promise<void>
}

/**
 * Starts a balancer in this process; resolves when it serves.
 * @throws StartError: port taken, folder not writable or held by another balancer; the message is one line for people
 */
export async function startLoadbalancer(config: Config, ports: Partial<Ports> = {}): Promise<Loadbalancer> {
  const { now, random } = { ...REAL, ...ports }
  const folder = join(config.dataRoot, 'loadbalancer')
  await using undo = new AsyncDisposableStack()
  const hold = holdFolder(folder)
  undo.defer(() => hold.release())
  const fleetSecret = orStartError(config.dataRoot, () =>
    findFleetSecret(config.dataRoot, config.fleetSecret),
  )
  const { log, close: closeLog } = openLog(folder, config.logLevel)
  undo.defer(closeLog)
  const directory = openDirectory(join(folder, 'directory.db'))
  undo.defer(() => directory.close())
  const store = new SqliteDirectoryStore(directory)
  const registry = new Registry(now(), random, await store.serversSince(now() - FORGET_MS))
  const metrics = new Metrics(() => registry.states())
  const events = new Events(metrics)
  const prober = new Prober()
  undo.defer(() => prober.close())
  const patrol = new Patrol({ registry, prober, store, events, metrics, log, now })
  const placement = new Placement(
    store,
    {
      homeCandidates: () => registry.homeCandidates(now()),
      roomPlaced: (server) => registry.roomPlaced(server, now()),
      peer: (server) => registry.peer(server),
      standing: (server) => registry.standing(server, now()),
    },
    random,
  )

  const client = new HomeClient(fleetSecret)
  const isHttps = isReachedByTls(config)
  const people = await openAccounts({
    ...{ ...config, folder, metrics, log, now },
    cookies: cookieJar(isHttps),
    servers: () => registry.rows(now()).flatMap(({ id }) => registry.peer(id) ?? []),
    call: (peer, path, body, timeoutMs) => client.call(peer, path, body, timeoutMs),
    events: {
      renamed: (user) => rooms.renamed(user),
      removed: (user) => rooms.forgotten(user),
    },
    blocked: (by, other, isBlocked) => rooms.blocked(by, other, isBlocked),
  })
  undo.defer(() => people.stop())
  undo.defer(() => client.close()) // first: nobody waits for what a server would still answer
  // The same folder is the same balancer: its id needs no file of its own.
  const id = `lb-${createHash('sha256').update(people.firstKey).digest('hex').slice(0, 12)}`

  const server = await listen(
    config,
    createListener((code) => metrics.refusals.inc({ code })),
  )
  undo.defer(() => stopListening(server))
  let isStopping = false
  const url = urlOf(config.host, (server.address() as AddressInfo).port)
  const origins = [...config.origins, url, url.replace('//127.0.0.1:', '//localhost:')]
  if (config.publicUrl !== undefined) origins.push(new URL(config.publicUrl).origin)
  const gate: Gate = {
    fleetSecret,
    whoBears: (token) => people.whoBears(token),
    cors: new Cors(origins),
    metrics,
    log,
  }
  const shared = { registry, prober, store, events, metrics, log, tokens: people.tokens, now }
  const rooms = new Rooms({
    ...{ ...shared, file: directory, placement, fleetSecret, people: people.accounts },
    servers: () =>
      registry.rows(now()).flatMap(({ id, state }) => (state === 'down' ? [] : (registry.peer(id) ?? []))),
    suspect: (server) => patrol.probe(server, 'suspect'),
  })
  const routes: Route[] = [
    ...registryRoutes({
      ...{ ...shared, watermarks: patrol.watermarks },
      learnt: (learnt) => rooms.learnt(learnt),
      setBack: (server) => rooms.setBack(server),
      revoked: () => people.revoked(),
      registered: () => people.registered(),
    }),
    ...rooms.routes,
    ...people.routes,
    ...statusRoutes({ ...shared, id, inc: randomUUID(), isStopping: () => isStopping }),
  ]
  server.on('request', createApp(config, routes, gate))
  patrol.start()
  undo.defer(() => patrol.stop())
  people.start()
  rooms.start()
  undo.defer(() => rooms.stop())
  const beat = setInterval(() => events.beat(), EVENTS_BEAT_MS)
  undo.defer(() => clearInterval(beat))
  log.info({ id, url }, 'serving')

  const running = undo.move()
  let closing: Promise<void> | undefined
  const close = () => {
    isStopping = true
    events.close()
    log.info({ id }, 'stopping')
    return (closing ??= running.disposeAsync())
  }
  return { id, url, fleetSecret, close }
}

/** Express with all routes, in order; errors last. */
function createApp(config: Config, apiRoutes: readonly Route[], gate: Gate): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)
  app.set('trust proxy', config.trustProxy ? 1 : false)
  const describing = route({
    method: 'get',
    path: '/openapi.json',
    summary: 'This document.',
    door: 'anyone',
    cors: true,
    answers: { status: 200, schema: z.looseObject({ openapi: z.string() }) },
    problems: [],
    perform: () => ok(document),
  })
  const frames = asyncApi(packageJson.version)
  const describingFrames = route({
    method: 'get',
    path: '/asyncapi.json',
    summary: 'What clients and chat servers say to each other over WebSocket, as an AsyncAPI document.',
    door: 'anyone',
    cors: true,
    answers: { status: 200, schema: z.looseObject({ asyncapi: z.string() }) },
    problems: [],
    perform: () => ok(frames),
  })
  const routes = [...apiRoutes, describing, describingFrames]
  const document = openApi(routes, packageJson.version)
  const isHttps = isReachedByTls(config)
  mountSafety(app, gate, isHttps)
  mount(app, routes, gate)
  mountWebApp(app, config.webDir, isHttps)
  mountEnd(app, gate)
  return app
}

const isReachedByTls = ({ publicUrl }: Config) => publicUrl?.startsWith('https:') ?? false

function openDirectory(file: string): SqliteFile {
  try {
    return openDirectoryFile(file)
  } catch (error) {
    const { message } = error as Error
    throw new StartError(
      `Cannot open ${file} (${message}): make it writable, or move it away; rooms are learnt again from the servers.`,
      { cause: error },
    )
  }
}

function orStartError<T>(folder: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    // A file that holds no secret says so itself; the system's errors name no remedy.
    throw error instanceof Error && 'code' in error
      ? unwritable(folder, error)
      : new StartError((error as Error).message)
  }
}

async function listen({ host, port }: Config, server: Server): Promise<Server> {
  await new Promise<void>((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => fail(cannotListen(host, port, error)))
    server.listen(port, host, done)
  })
  return server
}

function cannotListen(host: string, port: number, error: NodeJS.ErrnoException): StartError {
  const says = {
    EADDRINUSE: `Port ${port} on ${host} is taken: stop what uses it, or choose another with --port.`,
    EACCES: `Port ${port} on ${host} may not be used by this user: choose one above 1023 with --port.`,
    EADDRNOTAVAIL: `There is no address ${host} on this machine: choose another with --host.`,
    ENOTFOUND: `There is no address ${host}: choose another with --host.`,
  }[error.code ?? '']
  return new StartError(says ?? `Cannot listen on ${host}:${port}: ${error.message}`, { cause: error })
}

/** Stops taking requests; those underway get a moment. */
async function stopListening(server: Server): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), 500)
  await new Promise<void>((done) => server.close(() => done()))
  clearTimeout(cut)
}

function urlOf(host: string, port: number): string {
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}
