import { Score, type Attack } from './attack.ts'
import { ask } from './knock.ts'
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
  says: 'SQL meta-characters in names, rooms, paths, queries',
  async run({ balancer }) {
    const score = new Score()
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
    return score
  },
}
