/**
 * How many clients a server takes, and when: decisions only. When thousands come at once, since the server they were on has died,
 * each is given a place in time, a **slot**, so that they come in as fast as this server can take them and no faster, and whoever
 * was here before hardly notices. Slots are dealt in the order of coming and lie 1/rate apart. The rate is found out: when the
 * event loop is late it becomes half of what has just come in, and it grows slowly while the loop is not late.
 *
 * A slot that is near is waited for with the handshake held up; to a farther one the client is sent away, and is let in when
 * it comes back. Who comes back is not asked who it is: as many are let in as have slots that are due.
 */

export interface AdmissionLimits {
  /** Clients per second, at least … */
  floor: number
  /** … and at most, which is also where it starts. */
  ceiling: number
  /** By how much the rate grows in a second in which the event loop is not late. */
  growth: number
  /** After a quiet time so many come in at once. */
  burst: number
  /** An event loop that is this late has too much to do. */
  lateMs: number
  /** Between two cuts: what was let in before the first one has to show first. */
  cutEveryMs: number
  /** Longest time a handshake is held up. */
  holdMs: number
  /** Slots are dealt this far ahead. */
  horizonMs: number
  /** For how long after its time a slot is kept. */
  graceMs: number
}

const DEFAULTS: AdmissionLimits = {
  floor: 100,
  ceiling: 12_000,
  growth: 250,
  burst: 500,
  lateMs: 100,
  cutEveryMs: 300,
  holdMs: 2_000,
  horizonMs: 15_000,
  graceMs: 1_500,
}
const MEASURED_MS = 500
const FEW = 50
/** Timers may be early by a little. */
const EARLY_MS = 20

export type Admitted =
  | { is: 'in' }
  /** Its slot is so near that it may wait here. */
  | { is: 'held'; waitMs: number }
  | { is: 'put-off'; retryMs: number }

export class Admission {
  readonly #limits: AdmissionLimits
  readonly #random: () => number
  #rate: number
  /** Who may come in now without a slot; below 0 when more slots fell due than the rate allows by now. */
  #tokens: number
  #filledAt: number
  #observedAt: number
  #cutAt = -Infinity
  /** Who came in since then, or since not much longer than `MEASURED_MS`. */
  #cameIn = 0
  #countedFrom: number
  /** The time after the last slot that was given. */
  #next = -Infinity
  /** Slots that are to come. */
  readonly #ahead = new Times()
  /** Of those that were dealt to clients that were sent away, the ones nobody came for yet, past and to come. */
  readonly #dealt = new Times()

  constructor(now: number, random: () => number, limits: Partial<AdmissionLimits> = {}) {
    this.#limits = { ...DEFAULTS, ...limits }
    this.#random = random
    this.#rate = this.#limits.ceiling
    this.#tokens = this.#limits.burst
    this.#filledAt = now
    this.#observedAt = now
    this.#countedFrom = now
  }

  /** Clients per second that it takes now. */
  get rate(): number {
    return this.#rate
  }

  /** Slots that somebody may still come for. */
  get waiting(): number {
    return this.#dealt.length
  }

  /** Somebody is at the door. At most `ceiling` × `horizonMs` slots are dealt; those beyond come back to ask again, spread out. */
  knock(now: number): Admitted {
    const answer = this.#answer(now)
    if (answer.is !== 'put-off') this.#cameIn += 1
    return answer
  }

  #answer(now: number): Admitted {
    this.#pass(now)
    if (this.#dealt.first <= now + EARLY_MS) {
      this.#dealt.shift()
      return { is: 'in' }
    }
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      return { is: 'in' }
    }
    const { holdMs, horizonMs } = this.#limits
    const apartMs = 1_000 / this.#rate
    const slot = Math.max(this.#next, now + (1 - this.#tokens) * apartMs)
    const waitMs = Math.ceil(slot - now)
    if (waitMs > horizonMs) return { is: 'put-off', retryMs: Math.ceil(horizonMs * (1 + this.#random())) }
    this.#next = slot + apartMs
    this.#ahead.push(slot)
    if (waitMs <= holdMs) return { is: 'held', waitMs }
    this.#dealt.push(slot)
    return { is: 'put-off', retryMs: waitMs }
  }

  /** How late the event loop was since the last time. Told regularly, some ten times a second. */
  observe(now: number, loopDelayMs: number): void {
    const { lateMs, cutEveryMs, floor, ceiling, growth } = this.#limits
    const sinceMs = Math.min(1_000, Math.max(0, now - this.#observedAt))
    this.#observedAt = now
    this.#pass(now)
    const countedMs = Math.max(1, now - this.#countedFrom)
    if (loopDelayMs < lateMs) {
      this.#rate = Math.min(ceiling, this.#rate + (growth * sinceMs) / 1_000)
      if (countedMs >= MEASURED_MS) this.#countAnew(now)
    } else if (now - this.#cutAt >= cutEveryMs) {
      this.#cutAt = now
      // If hardly anybody came in, it is not them who make it late: then what came in says nothing about what could.
      const measured = this.#cameIn < FEW ? Infinity : (this.#cameIn * 1_000) / countedMs
      this.#rate = Math.max(floor, Math.min(this.#rate, measured) / 2)
      this.#countAnew(now)
    }
  }

  #countAnew(now: number): void {
    this.#cameIn = 0
    this.#countedFrom = now
  }

  /** Lets the time since the last call pass: the rate gives places, slots that fall due take them, whether used or not. */
  #pass(now: number): void {
    const { burst, graceMs } = this.#limits
    const sinceMs = Math.max(0, now - this.#filledAt) // somebody may set the clock back
    this.#filledAt = now
    this.#tokens += (this.#rate * sinceMs) / 1_000
    for (; this.#ahead.first <= now; this.#ahead.shift()) this.#tokens -= 1
    for (; this.#dealt.first < now - graceMs; this.#dealt.shift()) this.#tokens += 1
    this.#tokens = Math.min(burst, Math.max(-burst, this.#tokens))
  }
}

/** Times that only rise, in a queue. */
class Times {
  #times: number[] = []
  #start = 0

  get length(): number {
    return this.#times.length - this.#start
  }

  /** Infinity if there is none. */
  get first(): number {
    return this.#times[this.#start] ?? Infinity
  }

  push(time: number): void {
    this.#times.push(time)
  }

  shift(): void {
    this.#start += 1
    if (this.#start < 1_024 && this.#start < this.#times.length) return
    this.#times = this.#times.slice(this.#start)
    this.#start = 0
  }
}
