// What servers are told of accounts: tokens that are good no more, and people who are gone.
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, test, type TestContext } from 'node:test'
import type { ForgetUser } from '@flotilla/protocol/accounts.ts'
import type { Revoke } from '@flotilla/protocol/control.ts'
import { Peer, register, startBalancer, until, type Balancer } from '../../test/fleet.ts'
import { Browser, PASSWORD, signedIn } from '../../test/people.ts'

/** A chat server as far as it is told something; it can be made deaf. */
class Listener {
  readonly told: { path: string; body: never }[] = []
  isDeaf = false
  /** Has something to do when it is to forget somebody. */
  forgets: () => Promise<void> = () => Promise.resolve()
  peer!: Peer
  readonly #secret: string

  private constructor(secret: string) {
    this.#secret = secret
  }

  static async start(t: TestContext, balancer: Balancer, id: string): Promise<Listener> {
    const listener = new Listener(balancer.fleetSecret)
    listener.peer = await Peer.start(t, id, (request, response) => void listener.#answer(request, response))
    await register(balancer, listener.peer)
    return listener
  }

  get revoked(): { sessions: string[]; users: NonNullable<Revoke['users']> } {
    const all = this.told.filter(({ path }) => path === '/internal/revoke').map(({ body }) => body as Revoke)
    return {
      sessions: all.flatMap(({ sessions = [] }) => sessions),
      users: all.flatMap(({ users = [] }) => users),
    }
  }

  get gone(): string[] {
    const all = this.told.filter(({ path }) => path === '/internal/forget-user')
    return all.map(({ body }) => (body as ForgetUser).user.id)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/healthz') return void response.end(JSON.stringify(this.peer.health()))
    let text = ''
    for await (const chunk of request) text += String(chunk)
    if (this.isDeaf) return void response.writeHead(503).end('{}')
    if (request.headers.authorization !== `Bearer ${this.#secret}`)
      return void response.writeHead(401).end('{}')
    this.told.push({ path: request.url ?? '', body: JSON.parse(text) as never })
    if (request.url === '/internal/forget-user') await this.forgets()
    response.end('{}')
  }
}

describe('what is revoked', () => {
  test('every server is told at once what ended, whatever ended it', async (t) => {
    const balancer = await startBalancer(t)
    const servers = [await Listener.start(t, balancer, 'a'), await Listener.start(t, balancer, 'b')]
    const [one, two, three] = [
      await signedIn(balancer, 'ann'),
      await signedIn(balancer, 'ann'),
      await signedIn(balancer, 'ann'),
    ] as const
    const ended: string[] = []
    const tells = async (session: string) => {
      ended.push(session)
      await until(() => servers.every(({ revoked }) => revoked.sessions.includes(session)))
    }
    await one.call('DELETE', `/api/sessions/${two.session}`)
    await tells(two.session)
    const thief = new Browser(balancer)
    thief.cookies.set('flotilla_refresh', three.refreshCookie ?? '')
    const { session } = three
    for (const each of [thief, three]) await each.refresh()
    await tells(session)
    await two.signIn('ann')
    await one.call('POST', '/api/me/password', { old: PASSWORD, new: 'another password' })
    await tells(two.session)
    await one.call('POST', '/api/logout', {})
    await tells(one.session)
    for (const { revoked } of servers) assert.deepEqual(revoked, { sessions: ended, users: [] })
  })

  test('another name and a removal void the tokens of the account that were issued before', async (t) => {
    let time = Date.now()
    const balancer = await startBalancer(t, {}, { now: () => time })
    const server = await Listener.start(t, balancer, 'a')
    const ann = await signedIn(balancer, 'ann')
    const id = ann.userId
    time += 5_000
    await ann.call('PATCH', '/api/me', { username: 'Zoe' })
    await until(() => server.revoked.users.length === 1)
    time += 5_000
    await ann.call('DELETE', '/api/me', { password: PASSWORD })
    await until(() => server.revoked.users.length === 2)
    const before = (at: number) => Math.floor(at) + 1
    assert.deepEqual(server.revoked.users, [
      { id, issuedBefore: before(time - 5_000), code: 4401 },
      { id, issuedBefore: before(time), code: 4403 },
    ])
  })

  test('a server that does not answer is told again until it does, and keeps no other waiting', async (t) => {
    const balancer = await startBalancer(t)
    const [deaf, other] = [await Listener.start(t, balancer, 'a'), await Listener.start(t, balancer, 'b')]
    deaf.isDeaf = true
    const [one, two] = [await signedIn(balancer, 'ann'), await signedIn(balancer, 'ann')]
    const sessions = [one.session, two.session]
    await one.call('POST', '/api/logout', {})
    await two.call('POST', '/api/logout', {})
    await until(() => other.revoked.sessions.length === 2)
    assert.deepEqual(deaf.told, [])
    deaf.isDeaf = false
    await until(() => deaf.revoked.sessions.length === 2)
    assert.deepEqual(deaf.revoked.sessions, sessions)
    assert.deepEqual(other.revoked.sessions, sessions)
  })

  test('a server that registers is told all of it, also by the next run of the balancer', async (t) => {
    const balancer = await startBalancer(t)
    const ann = await signedIn(balancer, 'ann')
    await ann.call('POST', '/api/logout', {})
    const revoked = { sessions: [ann.session], users: [] }
    const peer = await Peer.start(t, 'late')
    const answer = await register(balancer, peer)
    assert.deepEqual((answer.body as { revoked: Revoke }).revoked, revoked)
    await balancer.close()
    const next = await startBalancer(t, { dataRoot: balancer.dataRoot })
    const again = await register(next, peer)
    assert.deepEqual((again.body as { revoked: Revoke }).revoked, revoked)
  })
})

describe('who is gone', () => {
  test('every known server forgets him, one that was away when it is back; then it is done', async (t) => {
    const balancer = await startBalancer(t)
    const [here, away] = [await Listener.start(t, balancer, 'a'), await Listener.start(t, balancer, 'b')]
    away.isDeaf = true
    const ann = await signedIn(balancer, 'ann')
    const id = ann.userId
    await ann.call('DELETE', '/api/me', { password: PASSWORD })
    await until(() => here.gone.length === 1)
    assert.deepEqual(here.told.findLast(({ path }) => path === '/internal/forget-user')?.body, {
      user: { id, name: 'deleted user' },
    })
    away.isDeaf = false
    away.peer.inc = 'another-run'
    await register(balancer, away.peer)
    // A room may have moved meanwhile: all are asked until they have confirmed in two rounds in a row.
    await until(() => away.gone.length === 2 && here.gone.length === 3)
    assert.deepEqual(away.gone, [id, id])
    const third = await Listener.start(t, balancer, 'c')
    const bob = await signedIn(balancer, 'bob')
    const bobId = bob.userId
    await bob.call('DELETE', '/api/me', { password: PASSWORD })
    await until(() => third.gone.length === 2 && away.gone.length === 4)
    const told = [
      [bobId, bobId],
      [id, id, bobId, bobId],
    ]
    assert.deepEqual([third.gone, away.gone], told, 'of the first nobody speaks any more')
  })

  test('the next run of the balancer goes on with it', async (t) => {
    const balancer = await startBalancer(t)
    const ann = await signedIn(balancer, 'ann')
    const id = ann.userId
    await ann.call('DELETE', '/api/me', { password: PASSWORD })
    await balancer.close()
    const next = await startBalancer(t, { dataRoot: balancer.dataRoot })
    const server = await Listener.start(t, next, 'a')
    await until(() => server.gone.length === 2)
    assert.deepEqual(server.gone, [id, id])
  })

  test('a room that goes, in the midst of a round, from one not asked yet to one that has confirmed, forgets him, too', async (t) => {
    const balancer = await startBalancer(t)
    const [asked, late] = [await Listener.start(t, balancer, 'a'), await Listener.start(t, balancer, 'b')]
    const ann = await signedIn(balancer, 'ann')
    let isWhereItWas = true
    let isNamed = true
    asked.forgets = () => {
      if (!isWhereItWas) isNamed = false
      return Promise.resolve()
    }
    late.forgets = async () => {
      await until(() => asked.gone.length > 0)
      isWhereItWas = false
    }
    await ann.call('DELETE', '/api/me', { password: PASSWORD })
    await until(() => !isNamed)
  })
})
