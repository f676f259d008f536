import { Score, inLanes, type Attack, type Target } from './attack.ts'
import { ask, type Reply } from './knock.ts'
import { logIn, Person, type Login } from './person.ts'

const GUESSES = 10_000
const LANES = 16
/** What the balancer lets be tried in 15 min: on one account, and from one address. */
const PER_ACCOUNT = 10
const PER_ADDRESS = 100
/** Signed up before anything is guessed; guesses over accounts name others, too. */
const ACCOUNTS = 20

/** Ten thousand passwords on one account, and over many; from one address, from many, and from those that a header invents. */
export const passwordAttack: Attack = {
  name: 'passwords',
  says: 'passwords guessed on one account and over accounts, from many addresses and with invented ones',
  async run(target) {
    const score = new Score()
    const { balancer } = target
    const guesses = Math.max(60, Math.ceil(GUESSES * target.scale))
    const owner = await Person.signUp(balancer, 'Olive Owner')
    const others: string[] = []
    for (let at = 0; at < ACCOUNTS; at += 1) {
      others.push(`victim ${at}`)
      await ask(balancer, {
        ...{ method: 'POST', path: '/api/signup', headers: { 'content-type': 'application/json' } },
        body: JSON.stringify({ username: `victim ${at}`, password: Person.PASSWORD }),
      })
    }
    await sameWork(target, others[0] ?? '', score)
    await onOne(target, owner, guesses, score)
    await overMany(target, others.slice(1), guesses, score)
    return score
  },
}

/** Whoever tries names finds none: one that no account has is answered as one with another password, and hashed as long. */
async function sameWork({ balancer }: Target, known: string, score: Score) {
  const asks: [string, string][] = [
    [known, 'a password that is wrong'],
    ['no account is called so', 'a password that is wrong'],
    [known, ''],
    ['no account is called so', ''],
  ]
  const answers: { reply: string; hashes: number }[] = []
  for (const [name, password] of asks) {
    const before = await hashesOf(balancer)
    const { status, type, body, headers } = await logIn(balancer, { name, password, from: '127.9.0.1' })
    const { date: _, ...rest } = headers
    const hashes = (await hashesOf(balancer)) - before
    answers.push({ reply: JSON.stringify({ status, type, body, rest }), hashes })
  }
  for (const [at, what] of [
    [0, 'a wrong password'],
    [2, 'no password'],
  ] as const) {
    const [one, other] = answers.slice(at, at + 2)
    const isSame = one?.reply === other?.reply && one?.hashes === other?.hashes && one?.hashes === 1
    score.judge(isSame, `${what} for a name with and without an account`, [one, other])
  }
}

/**
 * The tenth wrong one is the last that is looked at, whatever spelling, address or header it comes with; the true one among
 * those that follow opens nothing. The owner, whose browser is known, is let in meanwhile.
 */
async function onOne({ balancer }: Target, owner: Person, guesses: number, score: Score) {
  const tally = new Tally()
  const ways: ((at: number) => Partial<Login>)[] = [
    () => ({}),
    (at) => ({ headers: { 'x-forwarded-for': `10.0.${(at >> 8) & 255}.${at & 255}` } }),
    (at) => ({ headers: { forwarded: `for=10.1.0.${at & 255}`, 'x-real-ip': `10.1.0.${at & 255}` } }),
    (at) => ({ from: addressOf(at) }),
    () => ({ name: owner.name.toUpperCase() }),
    () => ({ name: owner.name.toLowerCase() }),
    (at) => ({ device: `${String(at).padStart(32, 'x')}` }),
    (at) => ({ headers: { 'user-agent': `browser ${at}`, cookie: `flotilla_refresh=${at}.x` } }),
  ]
  await inLanes(Array(guesses).keys(), LANES, async (at) => {
    // Only when the limit must have been reached: before it is, the true password is no guess but a sign-in.
    const isTrue = at > PER_ACCOUNT + LANES && at % 10 === 0
    const password = isTrue ? Person.PASSWORD : `a wrong password ${at}`
    const way = ways[Math.floor(at / 10) % ways.length] ?? ways[0]
    const reply = await logIn(balancer, { name: owner.name, password, ...way?.(at) })
    tally.add(reply)
    score.judge(isTrue ? reply.status === 429 : [401, 429].includes(reply.status), `guess ${at}`, reply)
    if (reply.status === 429) hasRetryAfter(reply, score)
  })
  score.judge(
    tally.of(401) <= PER_ACCOUNT,
    'guesses on one account that were looked at',
    `${tally.of(401)} of ${guesses}`,
  )
  const known = await logIn(balancer, { name: owner.name, password: Person.PASSWORD, device: owner.device })
  score.judge(known.status === 200, 'the owner, from a browser that is known', known)
  const goesOn = await owner.call('GET /api/me')
  score.judge(goesOn.status === 200, 'the owner, signed in', goesOn)
}

/** A guess or two each: an address has its own limit, whatever accounts it goes for and whatever it says to be. */
async function overMany({ balancer }: Target, accounts: readonly string[], guesses: number, score: Score) {
  const tally = new Tally()
  const from = '127.9.0.2'
  await inLanes(Array(guesses).keys(), LANES, async (at) => {
    const name = at % 2 === 0 ? (accounts[(at / 2) % accounts.length] ?? '') : `nobody ${at}`
    const isTrue = at > PER_ADDRESS + LANES && at % 4 === 0
    const password = isTrue ? Person.PASSWORD : `a wrong password ${at}`
    const headers = at % 3 === 0 ? {} : { 'x-forwarded-for': `10.2.${(at >> 8) & 255}.${at & 255}` }
    const reply = await logIn(balancer, { name, password, headers, from })
    tally.add(reply)
    score.judge(
      isTrue ? reply.status === 429 : [401, 429].includes(reply.status),
      `guess ${at} over accounts`,
      reply,
    )
  })
  score.judge(
    tally.of(401) <= PER_ADDRESS,
    'guesses of one address that were looked at',
    `${tally.of(401)} of ${guesses}`,
  )
}

class Tally {
  readonly #counts = new Map<number, number>()

  add({ status }: Reply): void {
    this.#counts.set(status, this.of(status) + 1)
  }
  of(status: number): number {
    return this.#counts.get(status) ?? 0
  }
}

function hasRetryAfter({ headers }: Reply, score: Score): void {
  const seconds = Number(headers['retry-after'])
  score.judge(seconds > 0, 'who guesses too often is told when to come again', headers['retry-after'])
}

/** One of many addresses of this machine. */
const addressOf = (at: number) => `127.${10 + (at % 100)}.${(at >> 8) & 255}.${1 + (at % 250)}`

async function hashesOf(balancer: string): Promise<number> {
  const { body } = await ask(balancer, { path: '/metrics' })
  return Number(/password_hashes_total(?:\{[^}]*\})? (\d+)/.exec(body)?.[1] ?? NaN)
}
