import { Score, type Attack, type Target } from './attack.ts'
import { ask, type Reply } from './knock.ts'
import { logIn, Person } from './person.ts'
import { bearer, guestToken } from './tokens.ts'

const PIECES = [
  ...[
    "'",
    '"',
    '`',
    '--',
    ';',
    '/*',
    '*/',
    '\\',
    '%',
    '_',
    '\\x00',
    'NULL',
    '?1',
    ':room',
    '@x',
    '$1',
    '||',
    "''",
  ],
  ...[
    "' OR '1'='1",
    "' OR 1=1 --",
    '" OR ""="',
    "'; DROP TABLE rooms; --",
    "') UNION SELECT * FROM rooms --",
  ],
  ...[
    "x'; ATTACH DATABASE 'evil.db' AS e; --",
    '1; PRAGMA user_version=9; --',
    "' || (SELECT kid FROM keys) || '",
  ],
  ...[
    "%' ESCAPE '\\",
    'general" --',
    "general'--",
    '1 UNION ALL SELECT NULL,NULL',
    "' AND sqlite_version() --",
    'CHAR(39)',
  ],
]

/** What means something to SQL, wherever a text can stand: it stays a text. */
export const sqlAttack: Attack = {
  name: 'sql',
  says: 'SQL meta-characters in names, passwords, rooms, topics, ids, paths, queries',
  async run(target) {
    const score = new Score()
    const { balancer } = target
    const json = { 'content-type': 'application/json' }
    const token = await guestToken(balancer, 'bobby')
    const list = async () => (await ask(balancer, { path: '/api/rooms', headers: bearer(token) })).body
    const before = (JSON.parse(await list()) as unknown[]).length
    let made = 0
    for (const piece of PIECES) {
      const login = await ask(balancer, {
        method: 'POST',
        path: '/api/login',
        headers: json,
        body: JSON.stringify({ username: piece }),
      })
      const isText =
        login.status === 200 && (JSON.parse(login.body) as { user: { name: string } }).user.name === piece
      score.judge(isText || login.status === 422 || login.status === 409, `login as ${piece}`, login)
      for (const path of [
        `/api/rooms/${encodeURIComponent(piece)}`,
        `/get?room=${encodeURIComponent(piece)}`,
      ]) {
        const reply = await ask(balancer, { path, headers: bearer(token) })
        score.judge(reply.status < 500, `GET ${path}`, reply)
        score.judge(
          !reply.body.includes('SQL') && !reply.body.includes('sqlite'),
          `GET ${path} shows nothing of it`,
          reply,
        )
      }
      const room = await ask(balancer, {
        method: 'POST',
        path: '/api/rooms',
        headers: { ...json, ...bearer(token) },
        body: JSON.stringify({ name: piece }),
      })
      if (room.status === 201) made += 1
      score.judge(room.status === 201 || room.status === 422, `a room called ${piece}`, room)
    }
    const after = JSON.parse(await list()) as { name: string }[]
    score.judge(
      after.length === before + made,
      'as many rooms as were made',
      `${before} + ${made} became ${after.length}`,
    )
    for (const piece of PIECES.slice(0, 10))
      score.judge(
        after.some(({ name }) => name === piece),
        `the room ${piece} is called so`,
        'it is not',
      )
    await inAccounts(target, score)
    return score
  },
}

/** In the calls of accounts: in passwords, ids, pages, topics, reasons and exports. */
async function inAccounts({ balancer }: Target, score: Score): Promise<void> {
  const robert = await Person.signUp(balancer, 'Robert of tables')
  const room = await robert.makeRoom('private', 'Tables')
  const judge = (what: string, reply: Reply, good: readonly number[]) => {
    const isQuiet = !/SQLITE_|SqliteError|syntax error|no such (?:table|column)|unrecognized token/.test(
      reply.body,
    )
    score.judge(good.includes(reply.status) && isQuiet, what, reply)
  }
  for (const piece of PIECES) {
    const coded = encodeURIComponent(piece)
    const login = await logIn(balancer, { name: robert.name, password: piece, device: robert.device })
    judge(`the password ${piece}`, login, [401, 429])
    for (const line of [
      `members?after=${coded}&limit=${coded}`,
      `audit?before=${coded}`,
      `reports?before=${coded}`,
    ])
      judge(line, await robert.call(`GET /api/rooms/${room}/${line}`), [200, 400, 429])
    judge('a session', await robert.call(`DELETE /api/sessions/${coded}`), [404])
    judge('a block', await robert.call(`PUT /api/blocks/${coded}`), [400, 404])
    judge('a link', await robert.call(`DELETE /api/rooms/${room}/links/${coded}`), [400, 404, 429])
    judge(
      'an invitation',
      await robert.call(`POST /api/rooms/${room}/invite`, { username: piece }),
      [400, 404, 429],
    )
    judge('a person', await robert.call('POST /api/direct', { username: piece }), [400, 404, 429])
    const topic = await robert.call(
      `PATCH /api/rooms/${room}`,
      { topic: piece },
      { 'idempotency-key': piece },
    )
    judge(`the topic ${piece}`, topic, [200, 429])
    if (topic.status === 200) {
      const facts = JSON.parse((await robert.call(`GET /api/rooms/${room}`)).body) as { topic?: string }
      score.judge(facts.topic === piece, `the topic ${piece} stays so`, facts)
    }
  }
  const lines = await robert.call(`GET /api/rooms/${room}/export`)
  judge('the export of the room', lines, [200])
  judge('the export of what is his', await robert.call('GET /api/me/export'), [200])
  const goesOn = await robert.call('GET /api/me')
  score.judge(goesOn.status === 200, 'he is still there', goesOn)
}
