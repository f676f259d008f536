import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Score, inLanes, type Attack, type Target } from './attack.ts'
import { ask, handshake } from './knock.ts'
import { badTokens, type OwnKey } from './token-corpus.ts'

/** Calls that need the fleet's secret, with bodies that would do harm if they were taken. */
const FLEET_CALLS = ['/register', '/update', '/internal/place', '/internal/taken', '/internal/drain'] as const
/** What a header may hold: others never leave a client. */
const SAYABLE = /^[\x21-\x7e]*$/

/** Forged tokens at every door that takes one, tokens of one kind at the doors of the other. */
export const tokenAttack: Attack = {
  name: 'tokens',
  says: 'forged, confused, expired, glued tokens; a token as secret and the secret as token',
  async run(target) {
    const score = new Score()
    const { balancer, serverHttp, secret } = target
    const good = await guestToken(balancer, 'mallory')
    const isLetIn = (await ask(balancer, { path: '/api/me', headers: bearer(good) })).status === 200
    if (!isLetIn) throw new Error('the good token is not let in: nothing would be shown')
    const corpus = badTokens(good, ownKey(target, good), Math.floor(Date.now() / 1_000))

    await inLanes(corpus, 8, async ({ what, token }) => {
      if (SAYABLE.test(token)) {
        const me = await ask(balancer, { path: '/api/me', headers: bearer(token) })
        score.judge(me.status === 401 || me.status === 431, `GET /api/me: ${what}`, me)
        const protocol = { 'sec-websocket-protocol': `chat.v1, bearer.${token}` }
        const asked = await handshake(serverHttp, '/ws', protocol)
        score.judge([400, 401, 431].includes(asked.status), `subprotocol: ${what}`, asked)
      }
      const query = await handshake(serverHttp, `/ws?token=${encodeURIComponent(token)}`)
      score.judge([401, 414, 431].includes(query.status), `?token=: ${what}`, query)
    })

    // One kind of key at the doors of the other.
    for (const path of FLEET_CALLS) {
      const reply = await ask(balancer, {
        method: 'POST',
        path,
        headers: { ...bearer(good), 'content-type': 'application/json' },
        body: '{}',
      })
      score.judge(reply.status === 401, `POST ${path} with a person's token`, reply)
    }
    const link = await handshake(serverHttp, '/link', bearer(good))
    score.judge(link.status === 401, "/link with a person's token", link)
    for (const spelling of [secret, `${secret} `, `Basic ${secret}`]) {
      const me = await ask(balancer, { path: '/api/me', headers: bearer(spelling) })
      score.judge(me.status === 401, "GET /api/me with the fleet's secret", me)
      const query = await handshake(serverHttp, `/ws?token=${encodeURIComponent(spelling)}`)
      score.judge(query.status === 401, "?token= with the fleet's secret", query)
    }
    return score
  },
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** @throws Error if guests are not let in */
export async function guestToken(balancer: string, username: string): Promise<string> {
  const reply = await ask(balancer, {
    method: 'POST',
    path: '/api/login',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username }),
  })
  if (reply.status !== 200) throw new Error(`login as ${username}: ${reply.status} ${reply.body}`)
  return (JSON.parse(reply.body) as { token: string }).token
}

function ownKey({ balancerDataDir }: Target, token: string): OwnKey {
  const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
    kid: string
  }
  const { keys } = JSON.parse(readFileSync(join(balancerDataDir, 'keys.json'), 'utf8')) as { keys: OwnKey[] }
  const own = keys.find((key) => key.kid === kid) ?? keys[0]
  if (own === undefined) throw new Error('the balancer has no key')
  return { ...own, kid }
}
