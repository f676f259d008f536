import type { User } from '@flotilla/protocol/frames.ts'
import { SimLine, type SimSocket } from './sim-line.ts'
import type { SimServer } from './sim-server.ts'
import type { World } from './world.ts'

/** The lines between the clients and the servers of a world: connects them, breaks them, and keeps what went over each. */
export class ClientLines {
  /** Every client's end there ever was. */
  readonly sockets: SimSocket[] = []
  readonly #world: World
  readonly #serverOf: (id: string) => SimServer | undefined
  readonly #reaches: (client: string, server: string) => boolean
  /** The server of each. */
  readonly #lines = new Map<SimLine, string>()
  #ids = 0

  constructor(
    world: World,
    net: {
      serverOf: (id: string) => SimServer | undefined
      reaches: (client: string, server: string) => boolean
    },
  ) {
    this.#world = world
    this.#serverOf = net.serverOf
    this.#reaches = net.reaches
  }

  connect(socket: SimSocket, user: User, id: string): void {
    const world = this.#world
    const { name } = user
    this.sockets.push(socket)
    socket.owner = name
    socket.now = () => world.now
    world.after(world.between(1, 20), () => {
      const server = this.#serverOf(id)
      if (!this.#reaches(name, id)) return // nobody answers: the client's own patience ends it
      if (server?.process.isAlive !== true) {
        socket.refused()
        return
      }
      server.process.run(() => {
        const reaches = () => this.#reaches(name, id)
        const line = new SimLine((this.#ids += 1), world, server.process, socket, reaches)
        if (server.accept(line, user)) this.#lines.set(line, id)
        else world.after(1, () => socket.refused())
      })
    })
  }

  /** Half of those to this server, as chance has it. */
  breakSome(id: string): void {
    for (const [line, server] of this.#lines) if (server === id && this.#world.chance(0.5)) line.breaks()
  }
}
