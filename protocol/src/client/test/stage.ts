import type { TestContext } from 'node:test'
import type { Entry, Seq } from '../../frames.ts'
import { ChatClient, type ChatRoom, type ClientOptions } from '../client.ts'
import { ANNA, Balancer, BERT, joined, message, Peer, type PeerConnection } from './peer.ts'

/** A balancer, a scripted server, and a client that has not started; all gone when the test ends. */
export async function stage(t: TestContext, options: Partial<ClientOptions> = {}) {
  const peer = await Peer.open()
  const balancer = await Balancer.open(peer.url)
  const client = new ChatClient({
    loadbalancers: [balancer.base],
    identity: { username: 'anna' },
    random: smallRandom(),
    ...options,
  })
  t.after(async () => {
    client.close()
    await peer.close()
    await balancer.close()
  })
  return { peer, balancer, client }
}

/** Near 0, so that nothing waits long, yet never the same twice: ids are made of it. */
export function smallRandom(): () => number {
  let n = 0
  return () => (n += 1) / 1_000_000
}

/** A client that is live in `general`, whose log `L` has `head` entries of which it was streamed none. */
export async function liveStage(t: TestContext, options: Partial<ClientOptions> & { head?: Seq } = {}) {
  const { head = 0, ...rest } = options
  const set = await stage(t, rest)
  const room = set.client.room('general')
  const seen = follow(room)
  set.client.start()
  const line = await set.peer.connection(0)
  await admit(line, head)
  await seen.until(() => room.state.status === 'live')
  return { ...set, room, seen, line }
}

/** Answers the next join as an up-to-date server would. */
export async function admit(line: PeerConnection, head: Seq) {
  const join = await line.next('join')
  line.say(joined({ ref: join.ref!, head, first: head + 1 }))
  return join
}

/** What a room's listeners were told. */
export function follow(room: ChatRoom) {
  const seen = {
    /** The seqs of each call of `entries`. */
    calls: [] as Seq[][],
    entries: [] as Entry[],
    acks: [] as string[],
    refused: [] as string[],
    typing: [] as string[],
    /** Every status there was, in order. */
    statuses: [room.state.status],
    resets: 0,
    get seqs(): Seq[] {
      return seen.entries.map(({ seq }) => seq)
    },
    /** Resolves once `holds`, which is looked at whenever anything happens in the room. */
    until(holds: () => boolean): Promise<void> {
      return new Promise((resolve) => {
        const look = () => {
          if (!holds()) return
          stop()
          resolve()
        }
        const stop = room.listen({
          entries: look,
          change: look,
          ack: look,
          refused: look,
          reset: look,
          typing: look,
        })
        queueMicrotask(look)
      })
    },
  }
  room.listen({
    entries: (entries) => {
      seen.calls.push(entries.map(({ seq }) => seq))
      seen.entries.push(...entries)
    },
    ack: ({ id, seq }) => seen.acks.push(`${id}@${seq}`),
    refused: ({ id, code }) => seen.refused.push(`${id}:${code}`),
    typing: (user) => seen.typing.push(user.name),
    change: () => {
      if (seen.statuses.at(-1) !== room.state.status) seen.statuses.push(room.state.status)
    },
    reset: () => {
      seen.resets += 1
      seen.entries.length = 0
    },
  })
  return seen
}

export function connectionIs(client: ChatClient, status: ChatClient['connection']['status']): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (client.connection.status !== status) return
      stop()
      resolve()
    }
    const stop = client.subscribe(look)
    queueMicrotask(look)
  })
}

export const general = { room: 'general' }
export const error = (code: string, request: { id?: string; ref?: unknown }, retryMs?: number) => ({
  type: 'error',
  code,
  message: '',
  ...general,
  id: request.id,
  ref: request.ref,
  retryMs,
})
export const ack = (id: string, seq: number) => ({ type: 'ack', ...general, id, seq, ts: seq })
export const own = (id: string, seq: number) => message(seq, { id, user: ANNA })
export const history = (ref: unknown, entries: Entry[], done = true) => ({
  type: 'history',
  ...general,
  ref,
  entries,
  done,
})
/** Says something harmless and waits until it was heard: all before it was heard, too. */
export async function heard({ line, seen }: Pick<Awaited<ReturnType<typeof liveStage>>, 'line' | 'seen'>) {
  const before = seen.typing.length
  line.say({ type: 'typing', ...general, user: BERT })
  await seen.until(() => seen.typing.length > before)
}

/** What the client has sent and nobody has asked for, after it has heard everything said to it. */
export async function sent(set: Pick<Awaited<ReturnType<typeof liveStage>>, 'line' | 'seen' | 'room'>) {
  await heard(set)
  set.room.history(1).catch(() => undefined) // what it sent before has come when this has
  return set.line.before('history')
}
