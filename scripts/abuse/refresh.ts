import { randomBytes } from 'node:crypto'
import { until } from '../fleet/until.ts'
import { Score, inLanes, type Attack, type Target } from './attack.ts'
import { ask, handshake } from './knock.ts'
import { cookieOf, Person, turn } from './person.ts'
import { bearer } from './tokens.ts'

const GUESSES = 2_000
const AT_ONCE = 20

/** Refresh cookies that are guessed, cut, stolen, used twice or used as something else; and what stays open when a session ends. */
export const refreshAttack: Attack = {
  name: 'refresh',
  says: 'refresh cookies guessed, cut, stolen, used again, used as tokens; tokens of sessions that ended',
  async run(target) {
    const score = new Score()
    const { balancer, scale } = target
    const ann = await Person.signUp(balancer, 'Ann of refresh')
    const mallory = await Person.signUp(balancer, 'Mallory of refresh')
    await inOtherClothes(target, ann, score)
    await forged(target, ann, mallory, Math.ceil(GUESSES * scale), score)

    // Stolen: thief and owner use the same one, in either order; with it goes all that came of it.
    const first = await Person.signIn(balancer, ann.name)
    const second = await turn(balancer, first.refresh)
    const third = await turn(balancer, cookieOf(second, 'flotilla_refresh') ?? '')
    if (third.status !== 200) throw new Error('a cookie is not turned: nothing would be shown')
    const again = await turn(balancer, first.refresh)
    score.judge(again.status === 401, 'a cookie that was used before', again)
    const last = await turn(balancer, cookieOf(third, 'flotilla_refresh') ?? '')
    score.judge(last.status === 401, 'the youngest cookie of a family of which one was used twice', last)
    await isShut(target, first.token, 'the first token of a session that a thief was in', score)
    await isShut(target, tokenOf(third.body), 'the last token of a session that a thief was in', score)

    const raced = await Person.signIn(balancer, ann.name)
    const turned = await Promise.all(Array.from({ length: AT_ONCE }, () => turn(balancer, raced.refresh)))
    const won = turned.filter(({ status }) => status === 200)
    score.judge(won.length <= 1, `one cookie ${AT_ONCE} times at once`, `${won.length} got a token`)
    for (const reply of won) {
      const next = await turn(balancer, cookieOf(reply, 'flotilla_refresh') ?? '')
      score.judge(next.status === 401, 'the cookie of who won the race', next)
      await isShut(target, tokenOf(reply.body), 'the token of who won the race', score)
    }
    await ended(target, ann, mallory, score)
    const still = await turn(balancer, mallory.refresh)
    score.judge(still.status === 200, 'who had no part in all this stays signed in', still)
    return score
  },
}

/** The cookie, and each part of it, where an access token or the fleet's secret belongs; and they where it belongs. */
async function inOtherClothes({ balancer, serverHttp, secret: ofFleet }: Target, ann: Person, score: Score) {
  const [session = '', secret = ''] = ann.refresh.split('.')
  for (const text of [ann.refresh, session, secret, `${session}.${secret}.${secret}`, ann.device]) {
    const me = await ask(balancer, { path: '/api/me', headers: bearer(text) })
    score.judge(me.status === 401, 'a refresh secret as access token', me)
    const asked = [
      await handshake(serverHttp, `/ws?token=${text}`),
      await handshake(serverHttp, '/ws', { 'sec-websocket-protocol': `chat.v1, bearer.${text}` }),
      await handshake(serverHttp, '/ws', { cookie: `flotilla_refresh=${text}` }),
      await handshake(serverHttp, '/link', bearer(text)),
    ]
    for (const reply of asked) score.judge(reply.status === 401, 'a refresh secret at a server', reply)
    const headers = { ...bearer(text), 'content-type': 'application/json' }
    for (const path of ['/register', '/update', '/internal/place']) {
      const reply = await ask(balancer, { method: 'POST', path, headers, body: '{}' })
      score.judge(reply.status === 401, `a refresh secret at ${path}`, reply)
    }
  }
  for (const text of [ann.token, ofFleet, `${session}.${ofFleet}`, ann.id]) {
    const reply = await turn(balancer, text)
    score.judge(reply.status === 401, 'what is no refresh cookie as one', reply)
  }
}

/** None of them is let in, and none ends the session it names: else whoever knows its id could. */
async function forged({ balancer }: Target, ann: Person, mallory: Person, guesses: number, score: Score) {
  const [session = '', secret = ''] = ann.refresh.split('.')
  const [, mallorys = ''] = mallory.refresh.split('.')
  const swapped = secret.replace(/[a-z]/i, (letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  )
  const list = [
    ...['', '.', session, `${session}.`, `.${secret}`, `${session}.${mallorys}`, `${session}.${swapped}`],
    ...[`${session}.${secret.slice(0, -1)}`, `${session}.${secret}A`, `${session}.${'A'.repeat(64)}`],
    ...[`${session}%2E${secret}`, `"${ann.refresh}`, `${session.toLowerCase()}.${secret}`, '__proto__'],
    ...["' OR '1'='1", `${session}' --.${secret}`, 'x'.repeat(4_000), `${session}.${secret}=`],
  ]
  for (let at = 0; at < guesses; at += 1) list.push(`${session}.${randomBytes(48).toString('base64url')}`)
  await inLanes(list, 8, async (text) => {
    const reply = await turn(balancer, text)
    score.judge(reply.status === 401, `the refresh cookie ${text.slice(0, 60)}`, reply)
  })
  const reply = await turn(balancer, ann.refresh)
  score.judge(reply.status === 200, 'forged cookies end nobody’s session', reply)
  const line = reply.headers['set-cookie']?.find((text) => text.startsWith('flotilla_refresh=')) ?? ''
  for (const rule of ['HttpOnly', 'SameSite=Strict', 'Path=/api'])
    score.judge(line.includes(rule), `the refresh cookie is ${rule}`, line.replace(/=[^;]*/, '=…'))
  score.judge(!reply.body.includes(cookieOf(reply, 'flotilla_refresh') ?? ''), 'it is in no body', 'it is')
  ann.refresh = cookieOf(reply, 'flotilla_refresh') ?? ''
}

/** Every way to end a session, and what goes on after it. */
async function ended(target: Target, ann: Person, mallory: Person, score: Score) {
  const { balancer } = target
  const [annsSession = ''] = ann.refresh.split('.')
  const meddled = await mallory.call(`DELETE /api/sessions/${annsSession}`)
  score.judge(meddled.status === 404, 'somebody else’s session is ended', meddled)
  await mallory.call('DELETE /api/sessions')
  const me = await ann.call('GET /api/me')
  score.judge(me.status === 200, 'somebody else ends his own sessions, and hers goes on', me)

  const ways: [string, (who: Person) => Promise<unknown>][] = [
    ['signed out', (who) => who.call('POST /api/logout')],
    ['signed out by its cookie', (who) => outByCookie(who)],
    ['was ended from another', (who) => ann.call(`DELETE /api/sessions/${who.refresh.split('.')[0]}`)],
    ['was ended with all others', () => ann.call('DELETE /api/sessions')],
    ['was there before another password', () => changePassword(ann)],
  ]
  for (const [what, end] of ways) {
    const who = await Person.signIn(balancer, ann.name)
    await end(who)
    const reply = await turn(balancer, who.refresh)
    score.judge(reply.status === 401, `the cookie of a session that ${what}`, reply)
    await isShut(target, who.token, `the token of a session that ${what}`, score)
  }
  const gone = await Person.signUp(balancer, 'Gone of refresh')
  await gone.does('DELETE /api/me', { password: Person.PASSWORD })
  const reply = await turn(balancer, gone.refresh)
  score.judge(reply.status === 401, 'the cookie of an account that was removed', reply)
  await isShut(target, gone.token, 'the token of an account that was removed', score)
}

function outByCookie({ balancer, refresh }: Person) {
  const headers = { cookie: `flotilla_refresh=${refresh}` }
  return ask(balancer, { method: 'POST', path: '/api/logout', headers })
}

/** There and back again: the others sign in with the same one. */
async function changePassword(ann: Person) {
  await ann.does('POST /api/me/password', { old: Person.PASSWORD, new: `${Person.PASSWORD}!` })
  await ann.does('POST /api/me/password', { old: `${Person.PASSWORD}!`, new: Person.PASSWORD })
}

/** At the balancer at once, at a server as soon as it was told. */
async function isShut({ balancer, serverHttp }: Target, token: string, what: string, score: Score) {
  const me = await ask(balancer, { path: '/api/me', headers: bearer(token) })
  score.judge(me.status === 401, `${what}, at the balancer`, me)
  const isRefused = async () => (await handshake(serverHttp, `/ws?token=${token}`)).status === 401
  const isToldSoon = await until(what, isRefused, { timeoutMs: 20_000 }).catch(() => false)
  score.judge(isToldSoon, `${what}, at a server`, 'still let in after 20 s')
}

const tokenOf = (body: string) => (JSON.parse(body) as { token: string }).token
