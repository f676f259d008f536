import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { User, UserId } from '@flotilla/protocol/frames.ts'
import express from 'express'
import pino from 'pino'
import { Events } from '../src/events.ts'
import { Cors } from '../src/http/cors.ts'
import { mount, mountEnd, type Gate } from '../src/http/mount.ts'
import { Metrics } from '../src/metrics.ts'
import { openDirectoryFile } from '../src/rooms/directory-schema.ts'
import { Placement, type Standing } from '../src/rooms/placement.ts'
import { Rooms } from '../src/rooms/rooms.ts'
import { SqliteDirectoryStore } from '../src/rooms/sqlite-directory-store.ts'
import { freshFolder } from './fleet.ts'
import { StandInHome } from './stand-in-home.ts'

export interface Reply {
  status: number
  code: string | undefined
  body: Record<string, never>
  text: string
}

export const ANN: User = { id: 'user:ann', name: 'Ann' }
export const BEN: User = { id: 'user:ben', name: 'Ben' }
export const CAT: User = { id: 'user:cat', name: 'Cat' }
export const GUEST: User = { id: 'guest:gus', name: 'gus' }
const OPERATOR: User = { id: 'nobody', name: 'secret' }

/** The calls about rooms, over HTTP, with people who bear their names as tokens, and homes that stand where chat servers would. */
export async function startRooms(
  t: TestContext,
  { homes: count = 1, ...patient }: { homes?: number; stillMs?: number } = {},
) {
  const folder = freshFolder(t)
  const file = openDirectoryFile(join(folder, 'directory.db'))
  const store = new SqliteDirectoryStore(file)
  const homes: StandInHome[] = []
  for (let at = 0; at < count; at += 1) {
    const id = String.fromCharCode(97 + at)
    const home = await StandInHome.start(t, id, async (room) => (await store.room(room))?.genesis)
    homes.push(home)
    await store.saveServer({ ...home.peer, capacity: 10, inc: id, dataDir: undefined, heardAt: 1 })
  }
  const accounts = new Map<UserId, User>([ANN, BEN, CAT].map((user) => [user.id, user]))
  const blocks = new Set<string>()
  const retold: string[] = []
  /** Servers that do not answer. */
  const down = new Set<string>()
  const standing = (id: string): Standing => (down.has(id) ? 'gone' : 'here')
  const up = () => homes.map(({ peer }) => peer).filter(({ id }) => !down.has(id))
  const placement = new Placement(
    store,
    {
      homeCandidates: () => up().map(({ id }) => ({ id, load: 0, rooms: 0 })),
      roomPlaced: () => {},
      peer: (id) => homes.find((home) => home.id === id)?.peer,
      standing,
    },
    () => 0,
  )
  const metrics = new Metrics(() => new Map() as never)
  const logLines: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void logLines.push(line) })
  const clock = { now: Date.now() }
  /** How long a call looks for a home: as long as a slow machine may take, or less where none can be found. */
  const patience = { ms: 60_000 }
  const rooms = new Rooms({
    ...{
      file,
      store,
      placement,
      metrics,
      log,
      events: new Events(metrics),
      fleetSecret: 'secret',
      patienceMs: () => patience.ms,
    },
    people: {
      byName: async (name) =>
        [...accounts.values()].find((user) => user.name.toLowerCase() === name.toLowerCase()),
      byId: async (id) => accounts.get(id),
      isBlocked: async (one, other) => blocks.has(`${one} ${other}`) || blocks.has(`${other} ${one}`),
      retellBlocks: async (one, other) => {
        retold.push(`${one} ${other}`)
      },
      recordsOf: async (id) => [
        { type: 'account', ...accounts.get(id), formerly: 'guest:formerly' },
        { type: 'session' },
      ],
    },
    servers: up,
    suspect: async () => {},
    now: () => clock.now,
  })
  const gate: Gate = {
    ...{ fleetSecret: 'secret', cors: new Cors([]), metrics, log, ...patient },
    whoBears: async (token) => {
      const user = token === 'gus' ? GUEST : accounts.get(token)
      return user && { user, session: undefined }
    },
  }
  const app = express()
  app.set('query parser', false)
  mount(app, rooms.routes, gate)
  mountEnd(app, gate)
  const server = createServer(app)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
    await rooms.stop()
    store.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const call = async (
    user: User,
    line: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Reply> => {
    const [method = '', path = ''] = line.split(' ')
    const response = await fetch(url + path, {
      method,
      headers: {
        ...{ authorization: `Bearer ${user.id.startsWith('user:') ? user.id : user.name}` },
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json;') ?? false
    const parsed = (isJson ? JSON.parse(text) : {}) as Record<string, never>
    return { status: response.status, code: parsed['code'], body: parsed, text }
  }
  /** With the secret of the fleet. */
  const operator = (line: string) => call(OPERATOR, line)
  const logged = () => logLines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const make = async (user: User, visibility: 'public' | 'private', more = {}): Promise<string> => {
    const { status, body, text } = await call(user, 'POST /api/rooms', { name: 'Tea', visibility, ...more })
    if (status !== 201) throw new Error(text)
    return body['roomId'] as unknown as string
  }
  return {
    folder,
    file,
    store,
    rooms,
    homes,
    accounts,
    blocks,
    retold,
    down,
    clock,
    patience,
    call,
    operator,
    logged,
    make,
    url,
  }
}
export type Stage = Awaited<ReturnType<typeof startRooms>>
