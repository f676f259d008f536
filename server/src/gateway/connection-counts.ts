import type { Socket } from 'node:net'
import type { UserId } from '@flotilla/protocol/frames.ts'

/** How many connections each address and each account has here, so that none has more than it may. */
export class ConnectionCounts {
  readonly #perIp: number
  readonly #perUser: number
  readonly #ofIp = new Map<string, number>()
  /** Of accounts; guests' names are nobody's, and are not counted. */
  readonly #ofUser = new Map<UserId, number>()

  /** Most of an address and of an account; 0 = no limit. */
  constructor(perIp: number, perUser: number) {
    this.#perIp = perIp
    this.#perUser = perUser
  }

  /** The address it is counted under; '' where they are not: to ask for one is a call to the system. */
  ipOf(socket: Socket): string {
    return this.#perIp === 0 ? '' : (socket.remoteAddress ?? '')
  }

  isFullIp(ip: string): boolean {
    return this.#perIp > 0 && (this.#ofIp.get(ip) ?? 0) >= this.#perIp
  }

  isFullUser(user: UserId): boolean {
    return this.#perUser > 0 && (this.#ofUser.get(user) ?? 0) >= this.#perUser
  }

  /** One more. What is given here is to be given again when it has gone. */
  add(ip: string, user: UserId): void {
    if (ip !== '') this.#ofIp.set(ip, (this.#ofIp.get(ip) ?? 0) + 1)
    if (user.startsWith('user:')) this.#ofUser.set(user, (this.#ofUser.get(user) ?? 0) + 1)
  }

  /** One fewer. */
  remove(ip: string, user: UserId): void {
    countDown(this.#ofIp, ip)
    countDown(this.#ofUser, user)
  }
}

/** Who has none left is not remembered. */
function countDown<K>(counts: Map<K, number>, key: K): void {
  const left = (counts.get(key) ?? 1) - 1
  if (left > 0) counts.set(key, left)
  else counts.delete(key)
}
