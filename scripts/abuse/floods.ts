import { once } from 'node:events'
import { WebSocket } from 'ws'
import { LIMITS } from '@flotilla/protocol/limits.ts'
import { Score, inLanes, type Attack } from './attack.ts'
import { ask, type Reply } from './knock.ts'

const CALLS = 2_000
const LANES = 16
const SIGNUPS_AN_HOUR = 100
const LOGINS_IN_10_S = 100
/** So many times what a sender may. */
const TIMES = 10
const PATIENCE_MS = 60_000

/** Far more of everything than anyone may, at a fleet with the limits it has by itself: what is beyond is refused, with the time to come again. */
export const floodAttack: Attack = {
  name: 'floods',
  limits: 'as deployed',
  says: 'sign-ups, guests and messages far beyond the limits',
  async run({ balancer, server, scale }) {
    const score = new Score()
    const calls = Math.max(2 * SIGNUPS_AN_HOUR, Math.ceil(CALLS * scale))
    await flood(calls, LANES, score, SIGNUPS_AN_HOUR, 'accounts made by one address in an hour', (at) =>
      ask(balancer, {
        ...{ method: 'POST', path: '/api/signup', from: '127.8.0.1' },
        headers: { 'content-type': 'application/json', 'x-forwarded-for': `10.3.${at >> 8}.${at & 255}` },
        // Cheap to refuse, or the flood would be one of hashes.
        body: JSON.stringify({
          username: `flood ${at}`,
          password: at % 10 === 0 ? 'a long password' : 'short',
        }),
      }),
    )
    const startedAt = performance.now()
    const letIn = await flood(calls, LANES, score, Infinity, '', (at) =>
      ask(balancer, {
        ...{ method: 'POST', path: '/api/login', from: '127.8.0.2' },
        headers: { 'content-type': 'application/json', 'x-forwarded-for': `10.4.${at >> 8}.${at & 255}` },
        body: JSON.stringify({ username: `flood ${at}` }),
      }),
    )
    const windows = Math.ceil((performance.now() - startedAt) / 10_000) + 1
    score.judge(letIn <= windows * LOGINS_IN_10_S, 'guests of one address', `${letIn} in ${windows} windows`)
    await floodOfSends(`${server.url}?username=flood`, score)
    return score
  },
}

/** @returns how many were not refused for coming too fast */
async function flood(
  calls: number,
  lanes: number,
  score: Score,
  most: number,
  what: string,
  call: (at: number) => Promise<Reply>,
): Promise<number> {
  let letIn = 0
  await inLanes(Array(calls).keys(), lanes, async (at) => {
    const reply = await call(at)
    if (reply.status !== 429) letIn += 1
    const isOrderly = reply.status > 0 && reply.status < 500
    const isTold = reply.status !== 429 || Number(reply.headers['retry-after']) > 0
    score.judge(isOrderly && isTold, `call ${at} of a flood`, reply)
  })
  if (what !== '') score.judge(letIn <= most, what, `${letIn} of ${calls}`)
  return letIn
}

/** Ten times as many messages as one may send: each is acked or refused with the time to come again, and no more are acked than may be. */
async function floodOfSends(url: string, score: Score): Promise<void> {
  const socket = new WebSocket(url)
  socket.on('error', () => {})
  const acked = new Set<string>()
  const refused: { code: string; retryMs?: number }[] = []
  const sends = LIMITS.rate * TIMES
  const startedAt = performance.now()
  const over = new Promise<void>((resolve) => {
    const patience = setTimeout(resolve, PATIENCE_MS)
    const end = () => {
      clearTimeout(patience)
      resolve()
    }
    socket.on('close', end)
    socket.on('message', (data: Buffer) => {
      for (const line of data.toString().split('\n')) {
        const frame = JSON.parse(line) as { type: string; id?: string; code?: string; retryMs?: number }
        if (frame.type === 'ack') acked.add(frame.id ?? '')
        if (frame.type === 'error') refused.push({ ...frame, code: frame.code ?? '' })
        if (acked.size + refused.length >= sends) end()
      }
    })
  })
  await Promise.race([once(socket, 'open'), over])
  socket.send('{"type":"join","room":"general"}')
  for (let at = 0; at < sends; at += 1)
    socket.send(JSON.stringify({ type: 'send', room: 'general', id: `flood-${at}`, text: 'again' }))
  await over
  socket.terminate()
  // As much as may be at once, and what comes back while it goes on.
  const seconds = (performance.now() - startedAt) / 1_000
  const may = Math.ceil(LIMITS.rate + LIMITS.rateBurst + (seconds * LIMITS.rate * 1_000) / LIMITS.rateMs)
  score.judge(acked.size > 0 && acked.size <= may, 'messages of one sender', `${acked.size} of ${sends}`)
  for (const frame of refused)
    score.judge(
      frame.code === 'rate_limited' && (frame.retryMs ?? 0) > 0,
      'a message beyond the limit is refused with a time',
      frame,
    )
}
