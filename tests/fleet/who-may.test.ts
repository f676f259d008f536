// Every call and every frame that is about a room, asked by everybody there is, of a fleet of real processes.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CLIENT_FRAMES, type RoomId, type Seq } from '@flotilla/protocol/frames.ts'
import type { Reply } from './account.ts'
import { startFleet, until, type FleetProcess, type LocalFleet } from './harness.ts'
import type { RawClient } from './raw-client.ts'
import { castOf, logOut, Stage } from './who-may.stage.ts'
import { ANY_ROOM, callOf, HTTP, KINDS, NO_ROOM, SOCKET, type Asker } from './who-may.tables.ts'

/** Outcomes that change nothing: all of them are asked for at once. */
const IDLE = new Set(['none', 'no', 'who', 'nobody', 'bad', 'hidden'])
const NOWHERE: RoomId = 'a-room-that-never-was'

describe('who may do what', () => {
  test('is answered as the tables say, by HTTP and by WebSocket, in every kind of room, on a server that is its home and on one that is not', async (t) => {
    const fleet = await startFleet({ t, servers: 2, serverArgs: ['--rate', '0'] })
    const documented = await successes(fleet)
    const cast = await castOf(t, fleet)
    const byHttp = await Promise.all(
      KINDS.map((kind) => Stage.setUp(t, fleet, cast, { kind, owner: `http ${kind}` })),
    )
    const bySocket = { edge: KINDS, home: ['private', 'public'] } as const
    const prepare = (where: 'edge' | 'home') =>
      Promise.all(
        bySocket[where].map(async (kind) => {
          const stage = await Stage.setUp(t, fleet, cast, { kind, owner: `${where} ${kind}`, where })
          return SocketCase.prepare(stage, stage[where])
        }),
      )
    const sockets = { edge: await prepare('edge'), home: await prepare('home') }
    const cases = [...sockets.edge, ...sockets.home]
    const loggedOut = cast.get('loggedOut')
    assert.ok(loggedOut)
    await logOut(
      loggedOut,
      cases.map((each) => each.socketOf('loggedOut')),
    )

    for (const where of ['edge', 'home'] as const)
      await t.test(`each frame, ${where === 'home' ? 'at the home' : 'elsewhere'}`, async () => {
        const wrong = await Promise.all(sockets[where].map((each) => each.run()))
        assert.deepEqual(wrong.flat(), [])
      })
    await t.test('each call about a room', async () => {
      const ofNowhere = nowhere(byHttp[0]!)
      const wrong = await Promise.all(byHttp.map((stage) => asksAll(stage, documented, ofNowhere)))
      assert.deepEqual(wrong.flat(), [])
    })
    await t.test('each call about rooms', async () => {
      const wrong: string[] = []
      for (const [line, row] of ANY_ROOM) {
        for (const [who, expected] of row) {
          const by = byHttp[0]!.person(who)
          const victim = byHttp[0]!.person('newcomer')
          const body = {
            'POST /api/rooms public': { name: `${who}'s`, visibility: 'public' },
            'POST /api/rooms private': { name: `${who}'s`, visibility: 'private' },
            'POST /api/direct': { username: 'newcomer' },
            'POST /api/direct nobody': { username: 'nobody at all' },
          }[line]
          const reply = await by.asks(callOf(line).replace('{userId}', victim.id), body)
          const got = wordOf(reply, documented.get(callOf(line)))
          if (got !== expected) wrong.push(`${line}, ${who}: ${got}, not ${expected}`)
        }
      }
      assert.deepEqual(wrong, [])
    })
    await t.test('and there is nothing else to ask', () => {
      const known = new Set([...NO_ROOM, ...[...ANY_ROOM.keys()].map(callOf)])
      const ofRooms = [...documented.keys()].filter((call) => !known.has(call)).toSorted()
      for (const kind of KINDS) {
        const asked = [...new Set([...HTTP[kind].keys()].map(callOf))].toSorted()
        assert.deepEqual(
          asked,
          ofRooms,
          `calls that have a row in the table of ${kind} rooms, and calls there are`,
        )
        const said = [...new Set([...SOCKET[kind].keys()].map(frameTypeOf))].toSorted()
        assert.deepEqual(said, Object.keys(CLIENT_FRAMES).toSorted(), `frames in the table of ${kind} rooms`)
      }
      assert.deepEqual(
        [...known].filter((call) => !documented.has(call)),
        [],
        'calls that are no more',
      )
    })
  })
})

/** Each documented call with the status of its success. */
async function successes({ loadbalancer }: LocalFleet): Promise<ReadonlyMap<string, number>> {
  const document = (await (await fetch(`${loadbalancer.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
  }
  return new Map(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { responses }]) => {
        const status = Object.keys(responses).find((code) => code.startsWith('2'))
        return [`${method.toUpperCase()} ${path}`, Number(status)] as const
      }),
    ),
  )
}

/** @param none the answer about a room that never was */
function wordOf({ status, code, text, body }: Reply, success: number | undefined, none?: Reply): string {
  if (status === success) return text === '{}' && 'seq' in body ? 'same' : 'yes'
  const isProblem = text.includes(`"status":${status}`)
  switch (isProblem ? `${status} ${code}` : '') {
    case '401 unauthenticated':
      return 'who'
    case '403 forbidden':
      return 'no'
    case '404 no_such_user':
      return 'nobody'
    case '422 bad_name':
      return 'bad'
    case '404 no_such_room':
      return text === none?.text ? 'none' : `another "none" than that of no room: ${text}`
    default:
      return text
  }
}

/** What is answered about a room that never was; each call is asked once. */
function nowhere(stage: Stage): (line: string) => Promise<Reply> {
  const answers = new Map<string, Promise<Reply>>()
  return (line) => {
    const call = callOf(line).replace('{roomId}', NOWHERE).replace('{hash}', stage.linkHash)
    const answer = answers.get(line) ?? stage.person('newcomer').asks(call, bodyOf(line, stage, 'stranger'))
    answers.set(line, answer)
    return answer
  }
}

/** All calls about the room of this stage, by everybody. @returns what was answered otherwise than expected */
async function asksAll(
  stage: Stage,
  documented: ReadonlyMap<string, number>,
  ofNowhere: (line: string) => Promise<Reply>,
): Promise<string[]> {
  const { kind, room } = stage
  const wrong: string[] = []
  const ask = async (line: string, who: Asker, expected: string, about = room) => {
    const call = callOf(line).replace('{roomId}', about).replace('{hash}', stage.linkHash)
    const reply = await stage.person(who).asks(call, bodyOf(line, stage, who))
    const none = expected === 'none' ? await ofNowhere(line) : undefined
    const got = wordFor(line, reply, documented.get(callOf(line)), none, room)
    if (got !== expected) wrong.push(`${kind}: ${line}, ${who}: ${got}, not ${expected}`)
  }
  const before = await stage.version()
  for (const [line, row] of HTTP[kind])
    await Promise.all(
      [...row].map(async ([who, expected]) => {
        if (IDLE.has(expected)) await ask(line, who, expected)
      }),
    )
  if ((await stage.version()) !== before) wrong.push(`${kind}: what was refused has changed the room`)
  for (const [line, row] of HTTP[kind]) {
    for (const [who, expected] of row) {
      if (IDLE.has(expected)) continue
      const isEnd = line.startsWith('DELETE /api/rooms/{roomId}') && callOf(line).endsWith('{roomId}')
      await ask(line, who, expected, isEnd ? await stage.bare() : room)
      if (!isEnd && expected === 'yes' && !line.startsWith('GET '))
        await stage.restore(line.endsWith('archive'))
    }
  }
  return wrong
}

function wordFor(
  line: string,
  reply: Reply,
  success: number | undefined,
  none: Reply | undefined,
  room: RoomId,
): string {
  if (callOf(line) === 'GET /api/rooms' && reply.status === 200) {
    const rows = JSON.parse(reply.text) as { roomId: string }[]
    return rows.some(({ roomId }) => roomId === room) ? 'listed' : 'hidden'
  }
  // What is an act says which entry it came to.
  const isAct = /^(POST .*\/(?!links|reports|preview)\w+|DELETE .*\{hash\})$/.test(callOf(line))
  return isAct && reply.status === success && reply.body['seq'] === undefined
    ? 'same'
    : wordOf(reply, success, none)
}

function bodyOf(line: string, stage: Stage, who: Asker): object | undefined {
  const [, path = '', ...how] = line.split(' ')
  const act = path.slice('/api/rooms/{roomId}'.length)
  const on = how.join(' ')
  const whom = () => stage.person(({ moderator: 'deputy', owner: 'owner' } as const)[on] ?? 'victim').id
  if (line.startsWith('POST /internal/')) return { room: stage.room, server: stage.home.id, rooms: [] }
  if (line.startsWith('PATCH '))
    return {
      name: { name: `Room of ${who}` },
      'bad name': { name: '\u202e' },
      topic: { topic: `Of ${who}` },
      'slow mode': { slowMs: 1_000 + who.length },
      retention: { retentionDays: 10 + who.length },
      archive: { archived: true },
      unarchive: { archived: false },
      nothing: {},
    }[on]
  if (!line.startsWith('POST ') || act === '') return undefined
  switch (act) {
    case '/join':
    case '/preview':
      return on === ''
        ? {}
        : { link: { 'by link': stage.link, 'later link': stage.laterLink }[on] ?? 'y'.repeat(32) }
    case '/leave':
      return undefined
    case '/invite':
      return { username: on === 'nobody' ? 'nobody at all' : 'newcomer' }
    case '/uninvite':
      return { user: stage.person('invited').id }
    case '/unban':
      return { user: stage.person('banned').id }
    case '/unmute':
      return { user: stage.person('muted').id }
    case '/mute':
      return { user: whom(), minutes: 5 }
    case '/role':
      return { user: whom(), role: 'moderator' }
    case '/links':
      return { expiresInMs: 3_600_000 }
    case '/reports':
      return { seq: stage.said.get('victim')?.[0], reason: `says ${who}` }
    default:
      return { user: whom() }
  }
}

const frameTypeOf = (line: string) => line.split(' ')[0] ?? ''

/** All frames about one room, by everybody, each on a connection to one server. */
class SocketCase {
  readonly #stage: Stage
  readonly #server: FleetProcess
  readonly #sockets: ReadonlyMap<Asker, RawClient>
  /** Is in the room, and hears who types. */
  readonly #witness: RawClient
  readonly #wrong: string[] = []

  private constructor(
    stage: Stage,
    server: FleetProcess,
    sockets: ReadonlyMap<Asker, RawClient>,
    witness: RawClient,
  ) {
    this.#stage = stage
    this.#server = server
    this.#sockets = sockets
    this.#witness = witness
  }

  /** Everybody has a connection; those who will be no more let in have joined by theirs. */
  static async prepare(stage: Stage, server: FleetProcess): Promise<SocketCase> {
    const { room } = stage
    const askers = [...(SOCKET[stage.kind].get('join')?.keys() ?? [])]
    const sockets = new Map(
      await Promise.all(
        askers.map(async (who) => {
          const kept = who === 'ousted' ? stage.ousted : undefined
          return [who, kept ?? (await stage.person(who).enter(server))] as const
        }),
      ),
    )
    const witness = await stage.person('victim').enter(stage.home)
    await witness.join(room)
    if (stage.kind !== 'direct') await sockets.get('loggedOut')?.join(room)
    return new SocketCase(stage, server, sockets, witness)
  }

  socketOf(who: Asker): RawClient {
    const socket = this.#sockets.get(who)
    assert.ok(socket, who)
    return socket
  }

  /** @returns what was answered otherwise than expected */
  async run(): Promise<string[]> {
    const { kind, room } = this.#stage
    const rows = [...SOCKET[kind]]
    await Promise.all(
      [...this.#sockets.keys()].map(async (who, at) => {
        let own = this.#stage.said.get(who)?.[0]
        for (const [line, row] of rows) {
          const expected = row.get(who)
          const got = await this.#ask(line, who, { own, another: this.#spare(at) })
          if (typeof got.seq === 'number' && line === 'send') own = got.seq
          if (got.word !== expected)
            this.#wrong.push(`${kind}: ${line}, ${who}: ${got.word}, not ${expected}`)
        }
      }),
    )
    // What one may not hear comes, if at all, before what is said after it.
    const silent = rows.flatMap(([line, row]) =>
      line === 'typing'
        ? [...row].flatMap(([who, word]) => (word === 'heard' ? [] : [this.#stage.person(who).id]))
        : [],
    )
    for (const frame of this.#witness.frames)
      if (frame.type === 'typing' && frame.room === room && silent.includes(frame.user.id))
        this.#wrong.push(`${kind}: ${frame.user.name} was heard typing`)
    return this.#wrong
  }

  #spare(at: number): Seq | undefined {
    return this.#stage.said.get('victim')?.[at]
  }

  async #ask(
    line: string,
    who: Asker,
    target: { own: Seq | undefined; another: Seq | undefined },
  ): Promise<{ word: string; seq?: Seq }> {
    const socket = this.socketOf(who)
    if (socket.closed !== undefined) {
      const refusal = await this.#stage.person(who).refusedBy(this.#server)
      return { word: refusal === 401 && socket.closed === 4401 ? 'shut' : `${socket.closed}, ${refusal}` }
    }
    const frame = this.#frame(line, who, target)
    if (frame.type === 'typing') return { word: await this.#typing(socket, who, frame) }
    const answer = await socket.asks(frame)
    if (answer.type === 'error') {
      const words: Record<string, string> = { no_such_room: 'none', not_joined: 'out', forbidden: 'no' }
      return { word: words[answer.code] ?? `error ${answer.code}` }
    }
    const good = { join: 'joined', leave: 'left', history: 'history', ping: 'pong' }[frame.type] ?? 'ack'
    const isGood = answer.type === good && !('reason' in answer)
    return { word: isGood ? 'yes' : JSON.stringify(answer), ...('seq' in answer ? { seq: answer.seq } : {}) }
  }

  #frame(
    line: string,
    who: Asker,
    { own = 1, another = 1 }: { own: Seq | undefined; another: Seq | undefined },
  ) {
    const { room } = this.#stage
    const type = frameTypeOf(line)
    const id = `${line} ${who}`.replaceAll(/[^a-z0-9]/gi, '-')
    const target = line.endsWith('own') ? own : another
    const rest: Record<string, object> = {
      join: line.endsWith('0') ? { since: 0 } : {},
      send: { id, text: `${who} says this` },
      edit: { id, target, text: `${who} means this` },
      delete: { id, target },
      react: { id, target, emoji: '👍', on: true },
      history: { limit: 5 },
    }
    return { type, room, ...rest[type] }
  }

  /** Heard by the witness, refused, or neither, when it has certainly been taken. */
  async #typing(socket: RawClient, who: Asker, frame: object): Promise<string> {
    const { id } = this.#stage.person(who)
    const ref = `${who} types`
    socket.say({ ...frame, ref })
    await socket.asks({ type: 'ping' })
    const refusal = socket.frames.find((each) => each.type === 'error' && each.ref === ref)
    if (refusal?.type === 'error') return refusal.code === 'not_joined' ? 'out' : refusal.code
    if (SOCKET[this.#stage.kind].get('typing')?.get(who) === 'unheard') return 'unheard'
    await until(`${who} is heard typing`, () => {
      socket.say(frame) // it is a hint, and may be lost
      return this.#witness.frames.some((each) => each.type === 'typing' && each.user.id === id)
    })
    return 'heard'
  }
}
