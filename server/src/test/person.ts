import { pino } from 'pino'
import type { ServerFrame, User } from '@flotilla/protocol/frames.ts'
import { Inbox } from '../gateway/dispatch.ts'
import { RateLimit } from '../gateway/rate-limit.ts'
import { Session } from '../gateway/session.ts'
import type { Rooms } from '../rooms/rooms.ts'
import type { FakeClock } from './fake-clock.ts'
import { FakeLine } from './fake-line.ts'

/** Somebody connected to a server: what he says, and all that he was told. */
export class Person {
  readonly user: User
  readonly #line = new FakeLine()
  readonly #inbox: Inbox
  readonly #clock: FakeClock
  #ids = 0

  constructor(user: User, rooms: Rooms, clock: FakeClock) {
    this.user = user
    this.#clock = clock
    const metrics = { acks: 0, hintsDropped: 0, slowed: 0, refused: () => {}, closed: () => {} }
    const session = new Session({ id: 's', user, line: this.#line, metrics, now: clock.now() })
    const log = pino({ level: 'silent' })
    const rateLimit = new RateLimit(0)
    this.#inbox = new Inbox(session, {
      ...{ rooms, rateLimit, metrics, log },
      now: () => clock.now(),
      flooded: () => session.close(4429),
    })
  }

  get frames(): readonly ServerFrame[] {
    return this.#line.frames
  }

  of<T extends ServerFrame['type']>(type: T) {
    return this.#line.of(type)
  }

  /** @returns the answers, once everything is quiet */
  async say(...frames: object[]): Promise<ServerFrame[]> {
    const before = this.frames.length
    this.#inbox.receive(frames.map((frame) => JSON.stringify(frame)).join('\n'))
    await this.#clock.pass(200)
    return this.frames.slice(before).filter(({ type }) => type !== 'presence')
  }

  /** @returns `joined`, or the code of the refusal */
  async join(room = 'r'): Promise<string> {
    return outcome(await this.say({ type: 'join', room }))
  }

  /** @returns `ack`, or the code of the refusal */
  async send(text = 'hello', id = `m${(this.#ids += 1)}`): Promise<string> {
    return outcome(await this.say({ type: 'send', room: 'r', id, text }))
  }

  /** The same for any other frame that makes an entry. */
  async change(frame: object): Promise<string> {
    return outcome(await this.say({ room: 'r', id: `m${(this.#ids += 1)}`, ...frame }))
  }
}

function outcome(answers: readonly ServerFrame[]): string {
  const answer = answers.find(({ type }) => type === 'joined' || type === 'ack' || type === 'error')
  return answer?.type === 'error' ? answer.code : (answer?.type ?? 'nothing')
}
