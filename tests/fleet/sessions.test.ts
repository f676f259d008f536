// What becomes of sockets and tokens when a session, a name, a key or an account changes: in a fleet of real processes.
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { LoggedIn } from '@flotilla/protocol/accounts.ts'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { atEnd, startFleet, until, type FleetProcess, type LocalFleet } from './harness.ts'
import { RawClient } from './raw-client.ts'

const PASSWORD = 'correct horse battery staple'

/** One sign-in to an account, without a browser's cookies. */
class SignIn {
  readonly #t: TestContext
  readonly #fleet: LocalFleet
  readonly name: string
  token = ''

  private constructor(t: TestContext, fleet: LocalFleet, name: string) {
    this.#t = t
    this.#fleet = fleet
    this.name = name
  }

  static async of(t: TestContext, fleet: LocalFleet, name: string): Promise<SignIn> {
    const signIn = new SignIn(t, fleet, name)
    await signIn.call('POST', '/api/signup', { username: name, password: PASSWORD }) // it may be there already
    await signIn.again()
    return signIn
  }

  async again(): Promise<void> {
    this.token = ''
    await this.call('POST', '/api/login', { username: this.name, password: PASSWORD })
    assert.notEqual(this.token, '')
  }

  async call(method: string, path: string, body?: object): Promise<number> {
    const response = await fetch(this.#fleet.loadbalancer.url + path, {
      method,
      headers: {
        ...(this.token === '' ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as Partial<LoggedIn>
    if (response.ok && answer.token !== undefined) this.token = answer.token
    return response.status
  }

  get session(): string {
    return String(decodeJwt(this.token)['sid'])
  }

  async socket({ url }: FleetProcess): Promise<RawClient> {
    const client = await RawClient.openAs(url, this.token)
    atEnd(this.#t, () => client.close())
    return client
  }
}

/** HTTP status with which the door stays shut to a token; undefined if it opens. */
const refusal = ({ url }: FleetProcess, token: string) => RawClient.refusal(`${url}?token=${token}`)

describe('sessions in a fleet', () => {
  test('one that is ended closes its sockets on every server, opens none, and leaves the others alone', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const [one, two] = fleet.servers as [FleetProcess, FleetProcess]
    const here = await SignIn.of(t, fleet, 'ann')
    const there = await SignIn.of(t, fleet, 'ann')
    const kept = await here.socket(one)
    const cut = [await there.socket(one), await there.socket(two)]
    assert.equal(await here.call('DELETE', `/api/sessions/${there.session}`), 200)
    assert.deepEqual(await Promise.all(cut.map((socket) => socket.closeCode())), [4401, 4401])
    for (const server of fleet.servers) assert.equal(await refusal(server, there.token), 401)
    kept.say({ type: 'ping' })
    await kept.next('pong')

    // A server that was away hears of it before it lets anyone in by it.
    await two.restart()
    await fleet.complete()
    assert.equal(await refusal(two, there.token), 401)
    assert.equal(await refusal(two, here.token), undefined)
    await there.again()
    assert.equal(await refusal(two, there.token), undefined)
  })

  test('under another name the sockets come back by a token that has it', async (t) => {
    const fleet = await startFleet({ t, servers: 1 })
    const [server] = fleet.servers as [FleetProcess]
    const ann = await SignIn.of(t, fleet, 'ann')
    const socket = await ann.socket(server)
    const { token } = ann
    assert.equal(await ann.call('PATCH', '/api/me', { username: 'Zoe' }), 200)
    assert.equal(await socket.closeCode(), 4401)
    assert.equal(await refusal(server, token), 401)
    const again = await ann.socket(server)
    await again.join('general')
    await again.sendUntilAcked('general', 'm1', 'hello')
    assert.equal((await again.next('message')).user.name, 'Zoe')
  })

  test('a removed account is out at once, and what it said stays, by nobody', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const [one, two] = fleet.servers as [FleetProcess, FleetProcess]
    const ann = await SignIn.of(t, fleet, 'ann')
    const id = String(decodeJwt(ann.token).sub)
    const socket = await ann.socket(one)
    await socket.join('general')
    await socket.sendUntilAcked('general', 'm1', 'words that stay')
    assert.equal(await ann.call('DELETE', '/api/me', { password: PASSWORD }), 200)
    assert.equal(await socket.closeCode(), 4403)
    assert.equal(await refusal(two, ann.token), 401)
    const bob = await RawClient.open(two.url, 'bob')
    atEnd(t, () => bob.close())
    await bob.join('general')
    const found = await until('the name is gone', async () => {
      bob.say({ type: 'history', room: 'general', before: 1_000, limit: 10 })
      const { entries } = await bob.next('history')
      const said = entries.find((entry) => entry.type === 'message')
      return said?.user.name === 'ann' ? undefined : said
    })
    assert.deepEqual([found.user, found.text], [{ id, name: 'deleted user' }, 'words that stay'])
  })

  test('keys change, and nobody is cut or kept out for longer than a look at the new ones takes', async (t) => {
    const fleet = await startFleet({ t, servers: 2 })
    const ann = await SignIn.of(t, fleet, 'ann')
    const { token: before } = ann
    const sockets = await Promise.all(fleet.servers.map((server) => ann.socket(server)))
    const rotated = await fetch(`${fleet.loadbalancer.url}/internal/rotate-keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${fleet.secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ announceMs: 0 }),
    })
    assert.equal(rotated.status, 200)
    await ann.again()
    assert.notEqual(decodeProtectedHeader(ann.token).kid, decodeProtectedHeader(before).kid)
    for (const server of fleet.servers) {
      await until(
        'the new key is known',
        async () => (await refusal(server, ann.token)) === undefined || undefined,
      )
      assert.equal(await refusal(server, before), undefined, 'the old one is good, too')
    }
    for (const socket of sockets) {
      socket.say({ type: 'ping' })
      await socket.next('pong')
    }
  })
})
