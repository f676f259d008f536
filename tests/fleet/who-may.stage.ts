// The rooms and people of `who-may.tables.ts`, in a fleet of real processes.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { RoomId, Seq } from '@flotilla/protocol/frames.ts'
import { Account } from './account.ts'
import { until, type FleetProcess, type LocalFleet } from './harness.ts'
import type { RawClient } from './raw-client.ts'
import type { Asker, Kind } from './who-may.tables.ts'

/** Who is there besides the askers: whom things are done to. */
const OTHERS = ['newcomer', 'victim', 'deputy'] as const
type Person = Asker | (typeof OTHERS)[number]
const PEOPLE: readonly Person[] = [
  ...['stranger', 'other', 'removed', 'ousted', 'banned', 'invited', 'member', 'muted'],
  ...['moderator', 'loggedOut', ...OTHERS],
] as Person[]
/** What each is in a room of several; whoever is not named is nobody there. */
const ROLES = {
  member: 'member',
  muted: 'member',
  victim: 'member',
  loggedOut: 'member',
  moderator: 'moderator',
  deputy: 'moderator',
} as const satisfies Partial<Record<Person, string>>
const FORMER = ['removed', 'ousted', 'banned'] as const
/** Messages for others to delete, one each. */
const SPARE_MESSAGES = 16
const DAY_MS = 86_400_000

interface MemberPage {
  members: { user: { id: string }; role: string; mutedUntil?: number }[]
  invited: { id: string }[]
  banned: { user: { id: string } }[]
}

export type Cast = ReadonlyMap<Person, Account>

/** Everybody but the owners; nobody is in any room yet. */
export async function castOf(t: TestContext, fleet: LocalFleet): Promise<Cast> {
  const signedUp = await Promise.all(
    PEOPLE.map(async (name) => [name, await Account.signUp(t, fleet, name)] as const),
  )
  const cast = new Map<Person, Account>(signedUp)
  cast.set('guest', await Account.asGuest(t, fleet, 'passer-by'))
  const other = await Account.signUp(t, fleet, 'owner of another room')
  const room = await other.makeRoom('private', 'Elsewhere')
  await other.does(`POST /api/rooms/${room}/invite`, { username: 'other' })
  await cast.get('other')?.does(`POST /api/rooms/${room}/join`, {})
  return cast
}

/** One room with its people: where everybody is what his name says. */
export class Stage {
  readonly kind: Kind
  readonly room: RoomId
  readonly home: FleetProcess
  /** A server that is not its home. */
  readonly edge: FleetProcess
  /** The secret of a link to it, of one that was made when some had been sent out, and of another that is there to be ended. */
  link = 'x'.repeat(32)
  laterLink = 'x'.repeat(32)
  linkHash = '0'.repeat(64)
  /** What each said in the room; of `victim`: for others to act upon. */
  readonly said = new Map<Person, Seq[]>()
  /** The connection `ousted` had, and was in the room by, when he was sent out. */
  ousted: RawClient | undefined
  readonly #cast: Cast
  readonly #owner: Account

  private constructor(parts: {
    kind: Kind
    room: RoomId
    cast: Cast
    owner: Account
    home: FleetProcess
    edge: FleetProcess
  }) {
    this.kind = parts.kind
    this.room = parts.room
    this.home = parts.home
    this.edge = parts.edge
    this.#cast = parts.cast
    this.#owner = parts.owner
  }

  /** `owner`: of this room only, as there are limits to what one person may do. `where`: the server `ousted` is on. */
  static async setUp(
    t: TestContext,
    fleet: LocalFleet,
    cast: Cast,
    { kind, owner, where = 'edge' }: { kind: Kind; owner: string; where?: 'edge' | 'home' },
  ): Promise<Stage> {
    const keeper = kind === 'direct' ? cast.get('member') : await Account.signUp(t, fleet, owner)
    assert.ok(keeper)
    const room =
      kind === 'direct'
        ? ((await keeper.does('POST /api/direct', { username: 'victim' }))['roomId'] as RoomId)
        : await keeper.makeRoom(kind === 'public' ? 'public' : 'private', `Room of ${owner}`)
    const placed = await keeper.does(`POST /api/rooms/${room}`)
    const [edge] = fleet.servers.filter(({ id }) => id !== placed['home'])
    const home = fleet.servers.find(({ id }) => id === placed['home'])
    assert.ok(home && edge)
    const stage = new Stage({ kind, room, cast, owner: keeper, home, edge })
    if (kind === 'direct') {
      await stage.#speak('member', 1)
      await stage.#speak('victim', SPARE_MESSAGES)
    } else await stage.#people(stage[where])
    return stage
  }

  person(who: Person): Account {
    const account = who === 'owner' ? this.#owner : this.#cast.get(who)
    assert.ok(account, who)
    return account
  }

  async #people(server: FleetProcess): Promise<void> {
    if (this.kind !== 'public') await this.#makeLinks()
    const inRoom = [...(Object.keys(ROLES) as Person[]), ...FORMER]
    await Promise.all(inRoom.map((who) => this.#letIn(who)))
    const speakers: Person[] = ['owner', 'muted', 'member', 'moderator', ...FORMER]
    await Promise.all([...speakers.map((who) => this.#speak(who, 1)), this.#speak('victim', SPARE_MESSAGES)])
    this.ousted = await this.person('ousted').enter(server)
    await this.ousted.join(this.room)
    await Promise.all([
      ...FORMER.map((who) => this.#acts(who === 'banned' ? 'ban' : 'remove', { user: this.person(who).id })),
      ...(['moderator', 'deputy'] as const).map((who) =>
        this.#acts('role', { user: this.person(who).id, role: 'moderator' }),
      ),
      this.#acts('mute', { user: this.person('muted').id, minutes: 60 }),
      this.#acts('invite', { username: 'invited' }),
    ])
    assert.equal((await this.ousted.next('left')).reason, 'removed')
    if (this.kind !== 'public') this.laterLink = (await this.#makeLink())['link'] as string
    if (this.kind === 'archived') await this.#archive(true)
  }

  async #letIn(who: Person): Promise<void> {
    await this.person(who).does(this.at('POST', '/join'), this.kind === 'public' ? {} : { link: this.link })
  }

  async #speak(who: Person, times: number): Promise<void> {
    const client = await this.person(who).enter(this.edge)
    await client.join(this.room)
    const ids = Array.from({ length: times }, (_, at) => `${who} ${at}`)
    const says = (id: string) => client.sendUntilAcked(this.room, id, `${id} is what was said`)
    this.said.set(who, await Promise.all(ids.map(says)))
    client.close()
  }

  async #makeLinks(): Promise<void> {
    const [lasting, ended] = [await this.#makeLink(), await this.#makeLink()]
    this.link = lasting['link'] as string
    this.linkHash = ended['hash'] as string
  }

  #makeLink() {
    return this.#owner.does(this.at('POST', '/links'), { expiresInMs: DAY_MS })
  }

  /** A call of this room. */
  at(method: string, path: string): string {
    return `${method} /api/rooms/${this.room}${path}`
  }

  #acts(act: string, body: object) {
    return this.#owner.does(this.at('POST', `/${act}`), body)
  }

  #archive(archived: boolean) {
    return this.#owner.does(this.at('PATCH', ''), { archived })
  }

  /** Another room of this kind and owner, with nobody else: to be deleted. */
  async bare(): Promise<RoomId> {
    const room = await this.#owner.makeRoom(this.kind === 'public' ? 'public' : 'private')
    if (this.kind === 'archived') await this.#owner.does(`PATCH /api/rooms/${room}`, { archived: true })
    return room
  }

  /** The last entry of what was done to the room. */
  async version(): Promise<number> {
    if (this.kind === 'direct') return 0
    const { entries } = (await this.#owner.does(this.at('GET', '/audit'))) as { entries: { seq: number }[] }
    return entries[0]?.seq ?? 0
  }

  /** Makes everybody again what his name says. `mayHaveTurned`: the room may be archived, or not any more, against its kind. */
  async restore(mayHaveTurned: boolean): Promise<void> {
    if (this.kind === 'direct') return
    const seen = (await this.#owner.does(this.at('GET', '/members'))) as unknown as MemberPage
    const ids = new Map(seen.members.map((row) => [row.user.id, row]))
    const fixes: (() => Promise<unknown>)[] = []
    const keeper = seen.members.find(({ role }) => role === 'owner')?.user.id
    if (keeper !== this.#owner.id) {
      const heir = [...this.#cast.values()].find(({ id }) => id === keeper)
      fixes.push(() => heir!.does(this.at('POST', '/owner'), { user: this.#owner.id }))
    }
    for (const [name, { id }] of this.#cast) {
      const row = ids.get(id)
      const isBanned = seen.banned.some(({ user }) => user.id === id)
      const isInvited = seen.invited.some((user) => user.id === id)
      const wanted = ROLES[name as keyof typeof ROLES] as string | undefined
      if (isBanned && name !== 'banned') fixes.push(() => this.#acts('unban', { user: id }))
      // Whoever is only a stranger again has not been sent out.
      if (wanted === undefined && row !== undefined)
        fixes.push(() =>
          name === 'removed'
            ? this.#acts('remove', { user: id })
            : this.person(name).does(this.at('POST', '/leave')),
        )
      if (!isBanned && name === 'banned') fixes.push(() => this.#acts('ban', { user: id }))
      if (name === 'invited' && (!isInvited || row !== undefined))
        fixes.push(() => this.#acts('invite', { username: name }))
      if (isInvited && name !== 'invited') fixes.push(() => this.#acts('uninvite', { user: id }))
      if (wanted !== undefined && row === undefined) {
        // By the link he may come no more, if he was sent out.
        if (this.kind !== 'public') fixes.push(() => this.#acts('invite', { username: name }))
        fixes.push(() => this.#letIn(name))
      }
      if (wanted !== undefined && (row?.role ?? 'member') !== wanted)
        fixes.push(() => this.#acts('role', { user: id, role: wanted }))
      const isMuted = row?.mutedUntil !== undefined
      if (isMuted && name !== 'muted') fixes.push(() => this.#acts('unmute', { user: id }))
      if (!isMuted && name === 'muted') fixes.push(() => this.#acts('mute', { user: id, minutes: 60 }))
    }
    const isToBe = this.kind === 'archived'
    if (fixes.length > 0 && isToBe) await this.#archive(false)
    for (const fix of fixes) await fix()
    if (mayHaveTurned || (fixes.length > 0 && isToBe)) await this.#archive(isToBe)
  }
}

/** Ends all sessions of this person, who has sockets open. */
export async function logOut(who: Account, sockets: readonly RawClient[]): Promise<void> {
  await who.does('DELETE /api/sessions?all')
  for (const socket of sockets) assert.equal(await socket.closeCode(), 4401)
  await until(
    'his token is good for nothing',
    async () => (await who.call('GET /api/me')).code === 'unauthenticated',
  )
}
