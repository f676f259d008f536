/** What an attack works with: a fleet of its own, and how much of its corpus it is to try. Plain data: the attacker is another process. */
export interface Target {
  /** The fleet's secret, and where the balancer's keys lie: some attacks try what is true at the wrong door. */
  readonly secret: string
  readonly balancerDataDir: string
  /** The only chat server; `url` = `ws://host:port/ws`. */
  readonly server: { readonly id: string; readonly url: string; readonly port: number }
  /** `http://host:port` of the balancer. */
  readonly balancer: string
  /** `http://host:port` of the chat server. */
  readonly serverHttp: string
  /** A browser origin that is let in. */
  readonly origin: string
  /** Decides what is mutated how. */
  readonly seed: number
  /** Whether attackers, and what they start, are to leave the processor to everybody else: see giving-way.ts. */
  readonly givesWay: boolean
  /** How many of those attacks that have no end are tried: 1 = all of `npm run abuse`. */
  readonly scale: number
}

/** What came of an attack. Every bypass is one line that says how to do it again. */
export interface Tally {
  tries: number
  bypasses: string[]
}

export interface Attack {
  /** As in `--only`. */
  readonly name: string
  readonly says: string
  /** Without: as many sign-ins and sign-ups from one address as it likes, since all of the suite's come from one. */
  readonly limits?: 'as deployed'
  run(target: Target): Promise<Tally>
}

/** Counts tries, and keeps what got through. */
export class Score implements Tally {
  tries = 0
  readonly bypasses: string[] = []

  /** @param got what was answered; a bypass if it is not `isRefused` */
  judge(isRefused: boolean, what: string, got: unknown): void {
    this.tries += 1
    if (!isRefused) this.bypasses.push(`${what}: ${typeof got === 'string' ? got : JSON.stringify(got)}`)
  }
}

/** Runs `work` over `items`, so many at a time. */
export async function inLanes<T>(
  items: Iterable<T>,
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]()
  const lane = async () => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
