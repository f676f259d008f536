import { join } from 'node:path'
import type { Peer, Revoke } from '@flotilla/protocol/control.ts'
import { StartError } from '../data-folder.ts'
import type { CookieJar } from '../http/cookies.ts'
import { RateLimit } from '../http/rate-limit.ts'
import type { Bearer, Route } from '../http/route.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { accountsRoutes } from './accounts.routes.ts'
import { Accounts, type AccountEvents } from './accounts.ts'
import { BlockTelling, type BlockTellingParts } from './block-telling.ts'
import { Farewells } from './farewells.ts'
import { Guesses } from './guesses.ts'
import { keysRoutes } from './keys.routes.ts'
import { KeyRing } from './keys.ts'
import { Passwords } from './passwords.ts'
import { RevocationPush, type CallServer } from './revocation-push.ts'
import { Revocations } from './revocations.ts'
import { IDLE_MS, LIFE_MS, Sessions } from './sessions.ts'
import { SqliteAccountStore } from './sqlite-account-store.ts'
import { TOKEN_MS, Tokens } from './tokens.ts'

const LOGIN_WINDOW_MS = 10_000
const SIGNUP_WINDOW_MS = 3_600_000
/** New names per account and hour. */
const RENAMES = 10
const RENAME_WINDOW_MS = 3_600_000
const TEND_MS = 60_000
const PRUNE_MS = 3_600_000

export interface AccountsSetup {
  /** Where `accounts.db` and `keys.json` are. */
  folder: string
  guests: boolean
  /** Logins per address and 10 s, and accounts made per address and hour; 0 = no limit. */
  loginRate: number
  signupRate: number
  cookies: CookieJar
  /** All servers known, up or not. */
  servers: () => readonly Peer[]
  call: CallServer
  events: AccountEvents
  blocked: BlockTellingParts['blocked']
  metrics: Metrics
  log: Logger
  now: () => number
}

/** All that has to do with accounts, put together. */
export interface AccountsPart {
  accounts: Accounts
  tokens: Tokens
  routes: readonly Route[]
  /** Of the first key this folder had: another folder is another balancer. */
  firstKey: string
  whoBears: (token: string) => Promise<Bearer | undefined>
  /** What a server that registers is told; call `registered` when it has. */
  revoked: () => Revoke
  registered: () => void
  start: () => void
  stop: () => Promise<void>
}

/** @throws StartError if a file cannot be used */
export async function openAccounts(setup: AccountsSetup): Promise<AccountsPart> {
  const { folder, guests, cookies, servers, call, events, blocked, metrics, log, now } = setup
  const keys = await usable(join(folder, 'keys.json'), 'everyone then signs in again', (file) =>
    KeyRing.open(file, Math.floor(now()), TOKEN_MS),
  )
  const store = await usable(
    join(folder, 'accounts.db'),
    'all accounts are gone then',
    (file) => new SqliteAccountStore(file),
  )
  const revocations = new Revocations(await store.revoked(Math.floor(now())), now())
  const shared = {
    ...{ store, revocations, cookies, metrics, log, now },
    tokens: new Tokens(keys),
    passwords: new Passwords(() => metrics.passwordHashes.inc()),
    guesses: new Guesses(),
  }
  const sessions = new Sessions({ ...shared, guests })
  const telling = new BlockTelling({ store, blocked, log })
  const farewells = new Farewells({ store, servers, call, log })
  const accounts = new Accounts({
    ...{ ...shared, sessions, telling },
    signups: new RateLimit(setup.signupRate, SIGNUP_WINDOW_MS),
    renames: new RateLimit(RENAMES, RENAME_WINDOW_MS),
    events: {
      ...events,
      removed: (user) => {
        farewells.go()
        return events.removed(user)
      },
    },
  })
  const push = new RevocationPush({ ...shared, servers, call })
  const tend = async () => {
    const outcome = await keys.tend(Math.floor(now()))
    if (outcome === 'rotated') log.info({ keys: keys.publicKeys.keys.length }, 'keys rotated by age')
  }
  const prune = () => {
    const at = Math.floor(now())
    return store.prune({ idleSince: at - IDLE_MS, madeSince: at - LIFE_MS, now: at })
  }
  const chores = [
    { everyMs: TEND_MS, work: tend, failed: 'the keys could not be looked after' },
    { everyMs: PRUNE_MS, work: prune, failed: 'what has ended could not be forgotten' },
  ]
  let timers: NodeJS.Timeout[] = []
  return {
    accounts,
    tokens: shared.tokens,
    routes: [
      ...accountsRoutes({
        ...{ ...shared, accounts, sessions },
        logins: new RateLimit(setup.loginRate, LOGIN_WINDOW_MS),
      }),
      ...keysRoutes({ keys, log, now }),
    ],
    firstKey: keys.first,
    whoBears: (token) => sessions.whoBears(token),
    revoked: () => revocations.since(0, now()).revoke,
    registered: () => {
      farewells.go()
      telling.go()
    },
    start: () => {
      push.start()
      farewells.go()
      telling.go()
      timers = chores.map(({ everyMs, work, failed }) => {
        const run = () => void work().catch((err: unknown) => log.error({ err }, failed))
        run()
        return setInterval(run, everyMs)
      })
    },
    stop: async () => {
      for (const timer of timers) clearInterval(timer)
      await Promise.all([push.stop(), farewells.stop(), telling.stop()])
      store.close()
    },
  }
}

async function usable<T>(file: string, price: string, open: (file: string) => T | Promise<T>): Promise<T> {
  try {
    return await open(file)
  } catch (error) {
    throw new StartError(
      `Cannot use ${file} (${(error as Error).message}): make it writable, or move it away; ${price}.`,
      { cause: error },
    )
  }
}
