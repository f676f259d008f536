import { createServer, type Server } from 'node:net'

/** Below what systems give to outgoing connections and to port 0: a process that is down for a while must find its port free again. */
const FROM = 10_000
const BLOCK = 100
const BLOCKS = 100

/**
 * Ports on loopback that are nobody else's for as long as the block is held, also while nobody listens at them: two programs that
 * only look for free ones, and use them later, now and then find the same. Whoever listens at the first port of a block has all of
 * it, so that a process that dies lets go of its own.
 */
export class PortBlock {
  readonly #first: number
  readonly #mark: Server
  #given = 0

  private constructor(first: number, mark: Server) {
    this.#first = first
    this.#mark = mark
  }

  /** @throws if every block is held */
  static async hold(random: () => number = Math.random): Promise<PortBlock> {
    const start = Math.floor(random() * BLOCKS)
    for (let i = 0; i < BLOCKS; i += 1) {
      const first = FROM + ((start + i) % BLOCKS) * BLOCK
      const mark = await listen(first)
      if (mark === undefined) continue
      mark.unref()
      return new PortBlock(first, mark)
    }
    throw new Error(`all ports from ${FROM} to ${FROM + BLOCKS * BLOCK - 1} are held`)
  }

  /** One that was not given before, and at which nobody who knows nothing of blocks listens. @throws if there is none left */
  async next(): Promise<number> {
    while (this.#given < BLOCK - 1) {
      this.#given += 1
      const port = this.#first + this.#given
      const server = await listen(port)
      if (server === undefined) continue
      await new Promise((resolve) => server.close(resolve))
      return port
    }
    throw new Error(`all ports from ${this.#first + 1} to ${this.#first + BLOCK - 1} are given`)
  }

  /** Whoever listens at one of the ports may go on; they are anybody's again when it ends. */
  release(): void {
    this.#mark.close()
  }
}

/** @returns undefined if it cannot be had */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', () => resolve(undefined))
    server.listen({ host: '127.0.0.1', port }, () => resolve(server))
  })
}
