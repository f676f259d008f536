import {
  LoggedInSchema,
  RoomCreatedSchema,
  RoomFactsSchema,
  RoomListSchema,
  type RoomFacts,
} from '@flotilla/protocol/control.ts'

/** What a replay asks of a balancer, as a guest. Every call throws an Error with the balancer's own words. */
export class BalancerApi {
  readonly #base: string
  readonly #token: string

  private constructor(base: string, token: string) {
    this.#base = base
    this.#token = token
  }

  /** `base` without slash at the end. */
  static async enter(base: string, username: string): Promise<BalancerApi> {
    const answer = await ask(`${base}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username }),
    })
    return new BalancerApi(base, LoggedInSchema.parse(answer).token)
  }

  /** @returns the id of the room with this id or name; it is made if there is none */
  async roomNamed(name: string): Promise<string> {
    const rooms = RoomListSchema.parse(await this.#call('GET', '/api/rooms'))
    const found = rooms.find((room) => room.roomId === name || room.name === name)
    if (found) return found.roomId
    const made = await this.#call('POST', '/api/rooms', { name, visibility: 'public' })
    return RoomCreatedSchema.parse(made).roomId
  }

  async room(id: string): Promise<RoomFacts> {
    return RoomFactsSchema.parse(await this.#call('GET', `/api/rooms/${id}`))
  }

  #call(method: string, path: string, body?: unknown): Promise<unknown> {
    return ask(`${this.#base}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }
}

async function ask(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(60_000) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${init.method} ${url} answered ${response.status}: ${text}`)
  return JSON.parse(text)
}
