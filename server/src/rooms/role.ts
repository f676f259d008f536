import { refuse, type Refusal } from '@flotilla/protocol/errors.ts'
import type { RoomId, User } from '@flotilla/protocol/frames.ts'
import type { CarriedSend } from '@flotilla/protocol/link.ts'
import type { Clock } from '../clock.ts'
import type { Epoch } from '../store/store.ts'
import type { SendOutcome } from './committer.ts'
import type { Home } from './home.ts'
import type { Relay } from './relay.ts'
import { retryAfter } from './retry.ts'
import { Waiters } from './waiters.ts'

/**
 * What this server is to one room, one thing at a time: looks for its home, is its home, follows its home elsewhere, has heard
 * that there is no such room, or has closed it. Beside it, those who wait for that to change.
 */

type Now =
  | { is: 'seeking' }
  | { is: 'home'; home: Home }
  | { is: 'relay'; relay: Relay }
  | { is: 'refused'; refusal: Refusal }
  | { is: 'closed' }

/** How long a join waits for the room's home before it is told to try again, and others for a later term. */
const READY_MS = 5_000
const MAX_WAITING = 10_000

export class Role {
  readonly #room: RoomId
  readonly #clock: Clock
  #now: Now = { is: 'seeking' }
  /** Since when this server has no role in the room, if it has none. */
  #soughtSince: number
  /** Joins that wait for a role. */
  readonly #joining: Waiters<undefined, Refusal | undefined>
  /** Those who wait for a role of at least this term. */
  readonly #reaching: Waiters<Epoch, void>
  /** Hand-overs that wait for the next home to raise its fence. */
  readonly #handingOver: Waiters<undefined, void>

  constructor(room: RoomId, clock: Clock) {
    this.#room = room
    this.#clock = clock
    this.#soughtSince = clock.now()
    this.#joining = new Waiters(clock)
    this.#reaching = new Waiters(clock)
    this.#handingOver = new Waiters(clock)
  }

  get home(): Home | undefined {
    return this.#now.is === 'home' ? this.#now.home : undefined
  }
  get relay(): Relay | undefined {
    return this.#now.is === 'relay' ? this.#now.relay : undefined
  }
  /** Why nobody may enter. */
  get refusal(): Refusal | undefined {
    return this.#now.is === 'refused' ? this.#now.refusal : undefined
  }
  get isSeeking(): boolean {
    return this.#now.is === 'seeking'
  }
  get isClosed(): boolean {
    return this.#now.is === 'closed'
  }

  /** Its term; 0 while it is neither home nor relay. */
  get epoch(): Epoch {
    if (this.#now.is === 'home') return this.#now.home.epoch
    return this.#now.is === 'relay' ? this.#now.relay.epoch : 0
  }

  /** Answered exactly once. */
  send(send: CarriedSend, answer: (outcome: SendOutcome) => void): void {
    switch (this.#now.is) {
      case 'home':
        this.#now.home.accept(send, answer)
        break
      case 'relay':
        this.#now.relay.send(send, answer)
        break
      case 'refused':
        answer(refuse('no_such_room'))
        break
      default:
        answer(this.busy())
    }
  }

  typing(user: User): void {
    if (this.#now.is === 'home') this.#now.home.typing(user)
    else if (this.#now.is === 'relay') this.#now.relay.tell({ t: 'typing', room: this.#room, user })
  }

  /** While the room has no home that is known here: come again, and later the longer that lasts. */
  busy(): Refusal {
    return refuse('busy', undefined, retryAfter(this.#clock.now() - this.#soughtSince))
  }

  /** Ends what it is, before it is another. `unfollow`: a home elsewhere is told. */
  leave(options: { unfollow: boolean }): void {
    if (this.#now.is === 'home') this.#now.home.close()
    if (this.#now.is === 'relay') this.#now.relay.close(options)
  }

  becomeHome(home: Home): void {
    this.#now = { is: 'home', home }
    this.joinable()
    this.#reached()
  }

  /** Its joins go on once the home has answered: see `joinable`. */
  becomeRelay(relay: Relay): void {
    this.#now = { is: 'relay', relay }
    this.#reached()
  }

  /** Not the home any more. */
  seek(): void {
    this.leave({ unfollow: true })
    this.#now = { is: 'seeking' }
    this.#soughtSince = this.#clock.now()
    this.#handingOver.settle(undefined)
  }

  /** There is no such room. */
  refuse(): void {
    this.leave({ unfollow: false })
    const refusal = refuse('no_such_room')
    this.#now = { is: 'refused', refusal }
    this.#joining.settle(refusal)
  }

  close(): void {
    this.leave({ unfollow: true })
    this.#now = { is: 'closed' }
    this.#joining.settle(refuse('busy'))
    this.#handingOver.settle(undefined)
    this.#reached()
  }

  /** Whether joins wait for it. */
  get isAwaited(): boolean {
    return this.#joining.size > 0
  }

  /** Resolves when the room can be joined, or with why not. */
  untilJoinable(): Promise<Refusal | undefined> {
    if (this.#joining.size >= MAX_WAITING) return Promise.resolve(refuse('busy', undefined, 1_000))
    const unreachable = refuse('busy', 'The home of this room cannot be reached now.', 1_000)
    return this.#joining.wait(undefined, READY_MS, unreachable)
  }

  joinable(): void {
    this.#joining.settle(undefined)
  }

  /** Resolves when its term is at least `epoch`, when it is closed, or after a while. */
  until(epoch: Epoch): Promise<void> {
    return this.#reaching.wait(epoch, READY_MS, undefined)
  }

  #reached(): void {
    this.#reaching.settle(undefined, (epoch) => this.epoch >= epoch || this.isClosed)
  }

  /** Whether somebody waits for it to step down. */
  get isHandedOver(): boolean {
    return this.#handingOver.size > 0
  }

  /** Resolves when it is the home no more, or after `ms`. */
  untilSteppedDown(ms: number): Promise<void> {
    return this.#handingOver.wait(undefined, ms, undefined)
  }
}
