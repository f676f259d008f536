// A full run, of which nothing that is secret or said may stand in any log, in what a process prints, or in an answer that refuses.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd, startFleet, until, type LocalFleet } from './harness.ts'
import { RawClient } from './raw-client.ts'

/** What must not be told, and what is told; of both, everything there was. */
class Secrets {
  readonly #all = new Map<string, string>()
  readonly refusals: string[] = []

  /** @returns the value */
  keep(what: string, value: string): string {
    this.#all.set(value, what)
    return value
  }

  get size(): number {
    return this.#all.size
  }

  /** What of it stands in a text, in whatever spelling. */
  in(text: string): string[] {
    const lower = text.toLowerCase()
    return [...this.#all]
      .filter(([value]) =>
        [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)].some((spelt) =>
          lower.includes(spelt.toLowerCase()),
        ),
      )
      .map(([, what]) => what)
  }
}

/** A person with a browser's cookies, who calls the balancer. */
class Caller {
  readonly #url: string
  readonly #secrets: Secrets
  readonly #cookies = new Map<string, string>()
  token = ''

  constructor({ loadbalancer }: LocalFleet, secrets: Secrets) {
    this.#url = loadbalancer.url
    this.#secrets = secrets
  }

  /** `line`: method and path. A body that is a text is sent as it is. */
  async call(
    line: string,
    body?: object | string,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const [method = '', path = ''] = line.split(' ')
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        ...(this.token === '' ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      this.#cookies.set(name, value)
      // A session's id, the first part of its cookie, opens nothing: it names it in logs.
      const parts = name === 'flotilla_refresh' ? value.split('.').slice(1) : value.split('.')
      for (const part of parts) if (part !== '') this.#secrets.keep(`a part of ${name}`, part)
    }
    const text = await response.text()
    const isJson = /^application\/(problem\+)?json(;|$)/.test(response.headers.get('content-type') ?? '')
    const answer = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>
    if (response.status >= 400) {
      this.#secrets.refusals.push(
        `${line} ${response.status} ${JSON.stringify([...response.headers])} ${text}`,
      )
    }
    if (typeof answer['token'] === 'string') {
      this.token = answer['token']
      this.#secrets.keep('a token', this.token)
      this.#secrets.keep('the signature of a token', this.token.split('.')[2] ?? '')
      this.#secrets.keep('the claims of a token', this.token.split('.')[1] ?? '')
    }
    if (typeof answer['link'] === 'string') this.#secrets.keep('the secret of a link', answer['link'])
    return { status: response.status, body: answer }
  }

  async does(line: string, body?: object): Promise<Record<string, unknown>> {
    const answer = await this.call(line, body)
    assert.ok(answer.status < 300, `${line}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
}

/** Every log file of the fleet, and all that its processes printed. */
function* toldBy(fleet: LocalFleet): Generator<[where: string, text: string]> {
  for (const file of readdirSync(fleet.dataDir, { withFileTypes: true, recursive: true })) {
    if (!file.isFile() || !/\.log(\.|$)/.test(file.name)) continue
    yield [file.name, readFileSync(join(file.parentPath, file.name), 'utf8')]
  }
  for (const { name, output } of [fleet.loadbalancer, ...fleet.servers]) yield [name, output.join('\n')]
}

test('a full run leaves no token, password, text or secret in any log, output or refusal', async (t) => {
  const secrets = new Secrets()
  const trace = ['--log-level', 'trace']
  const fleet = await startFleet({ t, servers: 2, serverArgs: trace, loadbalancerArgs: trace })
  secrets.keep('the secret of the fleet', fleet.secret)
  const [one, two] = fleet.servers
  assert.ok(one && two)
  const password = secrets.keep('a password', 'Quokka-Umbrella-31')
  const text = (word: string) => secrets.keep('a text', `${word} ocelot marmalade`)
  const enter = async (url: string, token: string) => {
    const client = await RawClient.openAs(url, token)
    atEnd(t, () => client.close())
    return client
  }

  const [ann, ben] = [new Caller(fleet, secrets), new Caller(fleet, secrets)]
  for (const [who, username] of [
    [ann, 'ann'],
    [ben, 'ben'],
  ] as const) {
    await who.does('POST /api/signup', { username, password })
    await who.does('POST /api/login', { username, password })
  }
  await ann.does('POST /api/token')
  const next = secrets.keep('a new password', 'Narwhal-Trombone-17')
  await ann.does('POST /api/me/password', { old: password, new: next })
  const guess = secrets.keep('a wrong password', 'Walrus-Bassoon-99')
  assert.equal(
    (await new Caller(fleet, secrets).call('POST /api/login', { username: 'ann', password: guess })).status,
    401,
  )
  assert.equal((await ann.call('POST /api/me/password', { old: guess, new: next })).status, 401)
  assert.equal((await ann.call('POST /api/login', `{"username":"ann","password":"${next}"`)).status, 400)
  assert.equal((await ann.call('POST /api/signup', { username: 7, password: next })).status, 400)
  assert.equal((await ann.call('POST /api/signup', { username: next, password: 5 })).status, 400)

  const room = String((await ann.does('POST /api/rooms', { name: 'Plans', visibility: 'private' }))['roomId'])
  const { link } = await ann.does(`POST /api/rooms/${room}/links`, { expiresInMs: 600_000 })
  await ben.does(`POST /api/rooms/${room}/preview`, { link })
  await ben.does(`POST /api/rooms/${room}/join`, { link })
  assert.equal((await ben.call(`POST /api/rooms/${room}/join`, { link: { link } })).status, 400)
  const hers = await enter(one.url, ann.token)
  const his = await enter(two.url, ben.token)
  await hers.join(room)
  await his.join(room)
  const target = await hers.sendUntilAcked(room, 'a', text('Zebra'))
  await his.sendUntilAcked(room, 'b', text('Gecko'))
  hers.say({ type: 'edit', room, id: 'c', target, text: text('Heron') })
  await his.next('edit')
  hers.say(
    `{"type":"send","room":"${room}","id":"d","text":"${text('Broken')}"`,
    { type: 'send', room, id: 'e', text: `${text('Long')} `.repeat(400) },
    { type: 'send', room: 'elsewhere', id: 'f', text: text('Lost') },
    { type: 'send', room, id: 'a', text: text('Conflicting') },
    { type: text('Unknown'), room },
    { type: 'ping', ref: 'end' },
  )
  await hers.next('pong', ({ ref }) => ref === 'end')
  await until('all are refused', () => hers.frames.filter(({ type }) => type === 'error').length >= 5)
  for (const frame of hers.frames) if (frame.type === 'error') secrets.refusals.push(JSON.stringify(frame))
  await ben.does(`POST /api/rooms/${room}/reports`, { seq: target, reason: text('Reported') })
  assert.equal((await ann.call(`GET /api/rooms/${room}/export`)).status, 200)
  const { roomId: direct } = await ann.does('POST /api/direct', { username: 'ben' })
  await hers.join(String(direct))
  const seq = await hers.sendUntilAcked(String(direct), 'g', text('Private'))
  await ben.does(`POST /api/rooms/${String(direct)}/reports`, { seq, reason: text('Unread') })

  // By doors, and in addresses, where they do not belong.
  for (const query of [`token=${ann.token}x`, `token=${fleet.secret}`, `username=${text('Named')}:`]) {
    assert.ok((await RawClient.refusal(`${one.url}?${query}`)) !== undefined)
  }
  await RawClient.refusal(one.url, { headers: { 'sec-websocket-protocol': `chat.v1, bearer.${ben.token}x` } })
  const http = one.url.replace(/^ws/, 'http').replace(/ws$/, '')
  for (const base of [`${fleet.loadbalancer.url}/`, http]) {
    for (const path of [
      `nowhere?token=${ann.token}`,
      `internal/revoke?secret=${fleet.secret}`,
      `%ff/${password}`,
    ]) {
      const response = await fetch(base + path, { headers: { authorization: `Bearer ${ann.token}` } })
      secrets.refusals.push(await response.text())
    }
    const raw = await fetch(`${base}internal/revoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${fleet.secret}`, 'content-type': 'application/json' },
      body: `{"sessions":["${ann.token}"`,
    })
    secrets.refusals.push(await raw.text())
  }
  await ben.does('DELETE /api/me', { password })
  await ann.does(`DELETE /api/rooms/${room}`)
  await ann.does('POST /api/logout')
  assert.equal(await hers.closeCode(), 4401)
  await Promise.all([fleet.loadbalancer, one, two].map((part) => part.stop()))

  assert.ok(secrets.size > 30 && secrets.refusals.length > 15)
  let bytes = 0
  for (const [where, told] of toldBy(fleet)) {
    bytes += told.length
    assert.deepEqual(secrets.in(told), [], `in ${where}`)
  }
  assert.ok(bytes > 2_000, 'there are logs')
  for (const refusal of secrets.refusals) {
    assert.deepEqual(secrets.in(refusal), [], refusal)
    assert.doesNotMatch(refusal, /node_modules|\.ts:\d|\bat \w.*\(/, 'how it is built')
  }
})
