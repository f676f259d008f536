import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { Score, inLanes, type Attack, type Target } from './attack.ts'
import { ask, type Reply } from './knock.ts'
import { callAs, Person } from './person.ts'
import { guestToken } from './tokens.ts'

const GUESSES = 3_000
const PATIENCE_MS = 60_000
/** Of the form of a room's id; there is no such room. */
const NOWHERE = 'AbCdEfGhIj'
const NOWHERE_DIRECT = `direct-${'AbCdEfGhIjK'.repeat(4).slice(0, 43)}`

interface Rooms {
  /** Rooms a stranger must not know of, each with an id of its form that is nobody's. */
  pairs: [string, string, string][]
  strangers: { what: string; token: string }[]
}

/** Bodies that would do something if they were taken; calls that are not named here are made without, and with `{}`. */
const BODIES: Record<string, unknown[]> = {
  invite: [{ username: 'Nosy of rooms' }],
  remove: [{ user: 'user:x' }],
  ban: [{ user: 'user:x' }],
  mute: [{ user: 'user:x', minutes: 5 }],
  unban: [{ user: 'user:x' }],
  role: [{ user: 'user:x', role: 'moderator' }],
  owner: [{ user: 'user:x' }],
  join: [{}, { link: 'A'.repeat(32) }],
  preview: [{ link: 'A'.repeat(32) }],
  links: [{ expiresInMs: 3_600_000 }],
  reports: [{ seq: 1, reason: 'because' }],
  '': [{ name: 'mine' }, { topic: 'mine' }, { archived: true }, { slowMs: 5 }, { retentionDays: 1 }],
}

/** Whoever is not of a private room gets the same answer as if there were none, whatever he asks of it and wherever. */
export const strangerAttack: Attack = {
  name: 'strangers',
  says: 'every call and frame about private and direct rooms by those who are not of them; ids guessed',
  async run(target) {
    const score = new Score()
    const { balancer, scale } = target
    const rooms = await furnish(target)
    const { paths } = JSON.parse((await ask(balancer, { path: '/openapi.json' })).body) as {
      paths: Record<string, Record<string, unknown>>
    }
    for (const { what, token } of rooms.strangers) {
      for (const [kind, there, nowhere] of rooms.pairs) {
        for (const [path, methods] of Object.entries(paths)) {
          if (!path.includes('{roomId}')) continue
          for (const method of Object.keys(methods)) {
            const bodies = method === 'get' ? [undefined] : (BODIES[path.split('{roomId}/')[1] ?? ''] ?? [])
            for (const body of [undefined, {}, ...bodies])
              await compare(target, `${method.toUpperCase()} ${path}`, { there, nowhere, token, body }, [
                `${what}, ${kind}`,
                score,
              ])
          }
        }
        const known = await callAs(balancer, token, 'GET /api/rooms')
        score.judge(!known.body.includes(there), `the list of ${what} names ${kind}`, known)
      }
      await bySocket(target, rooms, what, token, score)
    }
    for (const path of ['/servers', '/metrics', '/events', '/openapi.json', `/get`]) {
      const text =
        path === '/events' ? await beginningOf(balancer, path) : (await ask(balancer, { path })).body
      for (const [kind, there] of rooms.pairs)
        score.judge(!text.includes(there), `GET ${path} names ${kind}`, text.slice(0, 200))
    }
    await guessed(target, rooms, Math.ceil(GUESSES * scale), score)
    return score
  },
}

async function furnish({ balancer }: Target): Promise<Rooms> {
  const [ann, ben, nosy, former] = await Promise.all(
    ['Ann of rooms', 'Ben of rooms', 'Nosy of rooms', 'Former of rooms'].map((name) =>
      Person.signUp(balancer, name),
    ),
  )
  if (!ann || !ben || !nosy || !former) throw new Error('there are four of them')
  const secret = await ann.makeRoom('private', 'Secret plans')
  const closed = await ann.makeRoom('private', 'Closed plans')
  const gone = await ann.makeRoom('private', 'Gone plans')
  const { roomId: direct } = await ann.does('POST /api/direct', { username: ben.name })
  for (const room of [secret, closed]) {
    await ann.does(`POST /api/rooms/${room}/invite`, { username: former.name })
    await former.does(`POST /api/rooms/${room}/join`, {})
    await ann.does(`POST /api/rooms/${room}/remove`, { user: former.id })
    await ann.does(`POST /api/rooms/${room}/links`, { expiresInMs: 3_600_000 })
  }
  await ann.does(`PATCH /api/rooms/${closed}`, { archived: true })
  await ann.does(`DELETE /api/rooms/${gone}`)
  return {
    pairs: [
      ['a private room', secret, NOWHERE],
      ['an archived private room', closed, NOWHERE],
      ['a deleted room', gone, NOWHERE],
      ['a room of two others', String(direct), NOWHERE_DIRECT],
    ],
    strangers: [
      { what: 'a stranger', token: nosy.token },
      { what: 'a guest', token: await guestToken(balancer, 'Passing of rooms') },
      { what: 'one who was removed', token: former.token },
    ],
  }
}

interface Asked {
  there: string
  nowhere: string
  token: string
  body: unknown
}

/** The same call for the room and for none: status, body and headers are the same but for its id. */
async function compare(
  { balancer }: Target,
  line: string,
  { there, nowhere, token, body }: Asked,
  [who, score]: [string, Score],
): Promise<void> {
  const filled = line.replace('{hash}', 'a'.repeat(64))
  const call = (id: string) => callAs(balancer, token, filled.replace('{roomId}', id), body)
  for (;;) {
    const [one, other] = [await call(there), await call(nowhere)]
    // 0: the line was lost, which says nothing of either.
    const later = [one, other].find(({ status }) => [0, 429, 503].includes(status))
    if (later !== undefined) {
      await pause(1_000 * Number(later.headers['retry-after'] ?? 1))
      continue
    }
    const said = [plain(one, there), plain(other, nowhere)]
    const isSame = said[0] === said[1] && one.status >= 400
    score.judge(isSame, `${who}: ${line} ${JSON.stringify(body)}`, said)
    return
  }
}

function plain({ status, body, headers }: Reply, room: string): string {
  const { date: _, 'content-length': __, ...rest } = headers
  return JSON.stringify([status, body, rest]).replaceAll(room, '<room>')
}

/** Every frame about the room and about none, by one socket. */
async function bySocket({ server }: Target, { pairs }: Rooms, what: string, token: string, score: Score) {
  const socket = new WebSocket(`${server.url}?token=${token}`)
  const answers = new Map<string, string>()
  const heard: string[] = []
  socket.on('error', () => {})
  socket.on('message', (data: Buffer) => {
    for (const line of data.toString().split('\n')) {
      const { ref } = JSON.parse(line) as { ref?: string }
      if (ref === undefined) heard.push(line)
      else answers.set(ref, line)
    }
  })
  await Promise.race([once(socket, 'open'), once(socket, 'close')])
  const framesOf = (room: string): Record<string, unknown>[] => [
    ...[
      { type: 'join', room },
      { type: 'join', room, since: 0 },
      { type: 'leave', room },
    ],
    ...[
      { type: 'send', room, id: 'x', text: 'hello' },
      { type: 'typing', room },
    ],
    ...[
      { type: 'edit', room, id: 'e', target: 1, text: 'mine' },
      { type: 'delete', room, id: 'd', target: 1 },
    ],
    ...[{ type: 'react', room, id: 'r', target: 1, emoji: '+', on: true }],
    ...[
      { type: 'history', room, limit: 10 },
      { type: 'history', room, after: 0, limit: 10 },
    ],
    ...[
      { type: 'search', room, query: 'plans', limit: 5 },
      { type: 'read', room, seq: 1 },
    ],
    ...[{ type: 'signal', room, to: 'x', data: {} }],
  ]
  for (const [kind, there, nowhere] of pairs) {
    // One after the other: both come at an allowance that is as full.
    for (const [at, frame] of framesOf(there).entries()) {
      const said: string[] = []
      for (const [room, asked] of [
        [there, frame],
        [nowhere, framesOf(nowhere)[at] ?? {}],
      ] as const)
        said.push(await answerTo(socket, answers, room, asked))
      score.judge(said[0] === said[1], `${what}, ${kind}: ${JSON.stringify(frame)}`, said)
    }
    const told = heard.filter((line) => line.includes(there) && !line.includes('"type":"error"'))
    score.judge(told.length === 0, `${what} is told of ${kind}`, told.slice(0, 3))
  }
  socket.terminate()
}

/** What is said until the answer to a ping behind it; without what names this frame and this room. */
async function answerTo(
  socket: WebSocket,
  answers: Map<string, string>,
  room: string,
  frame: object,
): Promise<string> {
  const ref = randomBytes(6).toString('hex')
  const deadline = performance.now() + PATIENCE_MS
  for (let last = 0; ; last += 1) {
    const behind = `${ref}-${last}`
    socket.send(`${JSON.stringify({ ...frame, ref })}\n${JSON.stringify({ type: 'ping', ref: behind })}`)
    while (!answers.has(behind) && socket.readyState === WebSocket.OPEN && performance.now() < deadline)
      await pause(5)
    // What has to look elsewhere comes after the ping's answer.
    for (let looks = 0; looks < 40 && !answers.has(ref); looks += 1) await pause(5)
    const text = answers.get(ref) ?? `nothing${socket.readyState === WebSocket.OPEN ? '' : ', closed'}`
    const { code, retryMs } = JSON.parse(text.startsWith('{') ? text : '{}') as {
      code?: string
      retryMs?: number
    }
    if (code !== 'rate_limited' || performance.now() > deadline)
      return text.replaceAll(room, '<room>').replaceAll(ref, '<ref>')
    answers.delete(ref)
    await pause(retryMs ?? 1_000)
  }
}

/** Ids like those there are, and secrets of links: nothing is found. */
async function guessed({ balancer }: Target, { pairs, strangers }: Rooms, guesses: number, score: Score) {
  const token = strangers[0]?.token ?? ''
  const ids = pairs.flatMap(([, id]) => [
    ...[id.toLowerCase(), id.toUpperCase(), id.slice(0, -1), `${id}A`, `${id.slice(0, -1)}_`, ` ${id}`],
    ...[`${id}/`, `./${id}`, `${id}%00`, `${id};`, `${id}.json`, `x/../${id}`].map(encodeURIComponent),
  ])
  const people = ['Ann of rooms', 'Ben of rooms']
  for (const text of [people.join(), people.join(':'), JSON.stringify(people), people.join('')])
    ids.push(`direct-${createHash('sha256').update(text).digest('base64url')}`)
  for (let at = 0; at < guesses; at += 1) ids.push(randomBytes(8).toString('base64url').slice(0, 10))
  await inLanes(ids, 8, async (id) => {
    const reply = await callAs(balancer, token, `GET /api/rooms/${id.trim()}`)
    score.judge([400, 404, 429].includes(reply.status), `the room ${id}`, reply)
  })
  const room = pairs[0]?.[1] ?? ''
  for (let at = 0; at < Math.min(guesses, 90); at += 1) {
    const link = randomBytes(24).toString('base64url')
    const what = at % 2 === 0 ? 'join' : 'preview'
    const reply = await callAs(balancer, token, `POST /api/rooms/${room}/${what}`, { link })
    score.judge([404, 429].includes(reply.status), 'a link that is guessed', reply)
  }
}

/** Of an answer without end. */
async function beginningOf(balancer: string, path: string): Promise<string> {
  const answer = await fetch(balancer + path)
  const reader = answer.body?.getReader()
  const { value } = (await reader?.read()) ?? {}
  await reader?.cancel()
  return Buffer.from(value ?? new Uint8Array()).toString()
}
