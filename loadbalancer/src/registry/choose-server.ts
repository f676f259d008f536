/** What the choice looks at. */
export interface Candidate {
  readonly capacity: number
  /** By its last report. */
  readonly clients: number
  /** Sent there, and not in its reports yet: reports lag choices. */
  readonly assigned: number
  /** 0 … 1: how far it is through its slow start; 1 = settled. */
  readonly ramp: number
}

/** Servers that joined a running fleet get at most this multiple of their even share at first. */
const NEW_SHARE = 2

/** The part of its capacity that is in use. */
export function load(server: Candidate): number {
  return (server.clients + server.assigned) / server.capacity
}

/**
 * The server with the least of its capacity in use, ties at random; undefined if all are full.
 *
 * Slow start: a server that joins a loaded fleet is the least loaded for a long while and would get every newcomer
 * at once, while its caches are cold. So the new ones together get at most twice their even share of the choices, rising
 * to all of them as their ramp ends. Their even share they always get: in an idle fleet new and old fill alike, and
 * a fleet of new servers only is a fleet like any other.
 */
export function chooseServer<S extends Candidate>(
  servers: readonly S[],
  random: () => number,
): S | undefined {
  const best = leastLoaded(servers, random)
  if (best === undefined || best.ramp >= 1) return best
  const settled = servers.filter((server) => server.ramp >= 1)
  const share = Math.min(1, (NEW_SHARE * (servers.length - settled.length)) / servers.length)
  if (random() < share + (1 - share) * best.ramp) return best
  return leastLoaded(settled, random) ?? best
}

function leastLoaded<S extends Candidate>(servers: readonly S[], random: () => number): S | undefined {
  let best: S | undefined
  let least = 1 // one at or above its capacity is never chosen
  let ties = 0
  for (const server of servers) {
    const its = load(server)
    if (its >= 1 || its > least) continue
    ties = its < least ? 1 : ties + 1
    least = its
    // Of k that tie, each ends up chosen with probability 1/k, in one pass.
    if (ties === 1 || random() * ties < 1) best = server
  }
  return best
}

/** A room's home is preferred while it has room to spare … */
const HOME_FULL = 0.9
/** … and while it is not this far above the mean load of all: one popular room must not fill one server. */
const HOME_ABOVE_MEAN = 0.25

/** Whether a client of a room may be sent to its home rather than to the least loaded server. */
export function hasRoomToSpare(home: Candidate, servers: readonly Candidate[]): boolean {
  const mean = servers.reduce((sum, server) => sum + load(server), 0) / servers.length
  return load(home) < HOME_FULL && load(home) - mean < HOME_ABOVE_MEAN
}
