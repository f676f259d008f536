/** As many as the design names: a room's home, an edge, and one more to go to when either is gone. */
const LEAST = 3
/** More than this, someone has to ask for; he will know why. */
export const MOST = 64
const PORTS_END = 65_536

/**
 * How many chat servers a machine gets if nobody says: one per core, as a server does its work in one thread. Not so many that
 * their ports, which follow `firstPort` (0: any free ones), would meet one of `otherPorts`; yet never fewer than three.
 */
export function serverCount(cores: number, firstPort: number, otherPorts: readonly number[]): number {
  const next = [...otherPorts, PORTS_END].filter((port) => port >= firstPort)
  const room = firstPort === 0 ? Infinity : Math.min(...next) - firstPort
  return Math.max(LEAST, Math.min(cores, room, MOST))
}
