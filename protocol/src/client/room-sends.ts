import { mayTryAgain, type ErrorCode } from '../errors.ts'
import type { Ack, Entry, ErrorFrame, RoomId, Seq } from '../frames.ts'
import type { Host } from './host.ts'
import type { Line } from './line.ts'
import { cannotBeSent, Outbox, type Outgoing, type PendingChange, type PendingSend } from './outbox.ts'
import type { Listening, RoomState } from './room-face.ts'
import { Sender } from './sender.ts'

/** What is sent to one room, from the call to its entry: the outbox and its sender, told of each answer and of what was delivered. */

export interface RoomSendsPorts {
  room: RoomId
  host: Host
  listening: Listening
  /** Where sends go now. */
  line: () => Line | undefined
  state: () => Pick<RoomState, 'status' | 'code'>
}

export class RoomSends {
  readonly #ports: RoomSendsPorts
  readonly #outbox = new Outbox()
  readonly #sender: Sender

  constructor(ports: RoomSendsPorts) {
    this.#ports = ports
    const { clock, random } = ports.host
    this.#sender = new Sender(this.#outbox, { clock, random, send: () => this.#send() })
  }

  get pending(): readonly PendingSend[] {
    return this.#outbox.pending
  }

  get changes(): readonly PendingChange[] {
    return this.#outbox.changes
  }

  get inFlight(): number {
    return this.#outbox.inFlight
  }

  /** A new one, sent as soon as may be; or the one that has this id. */
  add(
    what: Pick<PendingSend, 'text' | 'replyTo' | 'change'>,
    id: string = this.#ports.host.newId(),
  ): PendingSend {
    const known = this.#outbox.pendingOf(id)
    if (known) return known
    const { host, state } = this.#ports
    const pending: PendingSend = { id, ...what, state: 'sending', at: host.clock.now() }
    if (state().status === 'left') return { ...pending, state: 'failed', code: 'not_joined' }
    if (!this.#outbox.add(pending)) return { ...pending, state: 'failed', code: 'busy' }
    this.#go(pending)
    return this.#outbox.pendingOf(id) ?? pending
  }

  retry(id: string): void {
    const pending = this.#outbox.pendingOf(id)
    if (pending !== undefined && this.#outbox.retry(id)) this.#go(pending)
  }

  discard(id: string): void {
    if (this.#outbox.discard(id)) this.#ports.listening.changed()
  }

  #go(pending: PendingSend): void {
    const { id } = pending
    const { host, listening, state } = this.#ports
    const { status, code } = state()
    const refusal = status === 'refused' ? code : cannotBeSent(pending, host.textChars)
    if (refusal) {
      this.#outbox.fail(id, refusal)
      // After its caller has been told the id.
      queueMicrotask(() => listening.tell('refused', { id, code: refusal }))
    }
    listening.changed()
    this.pump()
  }

  /** Sends what may go out now. */
  pump(): void {
    this.#sender.pump()
  }

  #send(): readonly Outgoing[] {
    const { room, host, line } = this.#ports
    const to = line()
    if (!to) return []
    const sends = this.#outbox.take(host.budget(to), () => host.newRef())
    for (const send of sends) to.send({ room, ...send })
    return sends
  }

  /** Joined on another connection: all that is unacked goes out again there [R13]. */
  restart(): void {
    this.#sender.restart()
  }

  stop(): void {
    this.#sender.stop()
  }

  /** @param seen the last entry delivered of the log that the ack speaks of */
  acked({ id, seq, ts }: Ack, seen: Seq): void {
    this.#sender.answered()
    if (this.#outbox.settle(id, seq, seen)) this.#ports.listening.tell('ack', { id, seq, ts })
    this.#ports.listening.changed()
  }

  /** Whether an error speaks of the last try of a send. */
  isAbout({ id, ref }: ErrorFrame): boolean {
    return id !== undefined && this.#outbox.isCurrent(id, ref)
  }

  /** This one was refused. What was only not joined goes out again once it is. */
  refused(id: string, code: ErrorCode, retryMs: number | undefined): void {
    this.#sender.answered()
    if (code === 'not_joined') return
    if (mayTryAgain(code, retryMs)) return this.#sender.hold(retryMs)
    this.#outbox.fail(id, code)
    this.#ports.listening.changed()
    this.#ports.listening.tell('refused', { id, code })
    this.pump()
  }

  /** Nothing of it will be sent any more. */
  failAll(code: ErrorCode): void {
    for (const id of this.#outbox.failAll(code)) this.#ports.listening.tell('refused', { id, code })
  }

  /** These were delivered, up to `at`. @returns those that are acked by it, as no ack has come for them */
  delivered(entries: readonly Entry[], at: Seq): Entry[] {
    const { userId } = this.#ports.host
    const acked = entries.filter((entry) => {
      if (entry.user.id !== userId || !this.#outbox.has(entry.id)) return false
      this.#sender.answered()
      return this.#outbox.settle(entry.id, entry.seq, at)
    })
    this.#outbox.see(at)
    return acked
  }

  /** Another log: at what seq an acked one stood says nothing any more. */
  forgetAcked(): void {
    this.#outbox.forgetAcked()
  }
}
