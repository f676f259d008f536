import type { RoomId, User } from '@flotilla/protocol/frames.ts'
import type {
  AuditPage,
  ChangeRoom,
  LinkMade,
  LinkRow,
  MemberPage,
  ReportPage,
} from '@flotilla/protocol/rooms-api.ts'
import type { Answer, ApiProblem } from '../../balancer/api.ts'
import { Store } from '../../store.ts'
import type { Rooms } from './rooms.ts'

export interface OfficeState {
  readonly members: MemberPage['members']
  readonly count: number
  readonly invited: readonly User[]
  readonly banned: NonNullable<MemberPage['banned']>
  readonly links: readonly LinkRow[]
  readonly audit: AuditPage['entries']
  readonly reports: ReportPage['reports']
}

const NOTHING: OfficeState = {
  members: [],
  count: 0,
  invited: [],
  banned: [],
  links: [],
  audit: [],
  reports: [],
}

/** What may be seen and done about one room. Each act answers with what went wrong, or nothing, and reads anew what it changed. */
export class RoomOffice extends Store<OfficeState> {
  readonly id: RoomId
  readonly #rooms: Rooms

  constructor(id: RoomId, rooms: Rooms) {
    super(NOTHING)
    this.id = id
    this.#rooms = rooms
  }

  async lookAtMembers(): Promise<ApiProblem | undefined> {
    const answer = await this.#call<MemberPage>('GET', 'members')
    if (!answer.ok) return answer.problem
    const { members, count, invited = [], banned = [] } = answer.value
    this.set({ ...this.read(), members, count, invited, banned })
    return undefined
  }

  async lookAtLinks(): Promise<void> {
    const answer = await this.#call<LinkRow[]>('GET', 'links')
    if (answer.ok) this.set({ ...this.read(), links: answer.value })
  }

  /** For the owner and moderators. */
  async lookAtLog(): Promise<ApiProblem | undefined> {
    const [audit, reports] = await Promise.all([
      this.#call<AuditPage>('GET', 'audit'),
      this.#call<ReportPage>('GET', 'reports'),
    ])
    this.set({
      ...this.read(),
      ...(audit.ok ? { audit: audit.value.entries } : {}),
      ...(reports.ok ? { reports: reports.value.reports } : {}),
    })
    return audit.ok ? undefined : audit.problem
  }

  invite(username: string): Promise<ApiProblem | undefined> {
    return this.#act('invite', { username })
  }

  /** `remove`, `ban`, `unban`, `unmute`, `uninvite`, `owner`; `mute` with minutes, `role` with a role. */
  actOn(verb: string, user: User, more: object = {}): Promise<ApiProblem | undefined> {
    return this.#act(verb, { user: user.id, ...more })
  }

  async change(what: ChangeRoom): Promise<ApiProblem | undefined> {
    const answer = await this.#call('PATCH', '', what)
    await this.#rooms.refresh()
    return answer.ok ? undefined : answer.problem
  }

  async makeLink(expiresInMs: number): Promise<Answer<LinkMade>> {
    const answer = await this.#call<LinkMade>('POST', 'links', { expiresInMs })
    await this.lookAtLinks()
    return answer
  }

  async endLink(hash: string): Promise<ApiProblem | undefined> {
    const answer = await this.#call('DELETE', `links/${hash}`)
    await this.lookAtLinks()
    return answer.ok ? undefined : answer.problem
  }

  async report(seq: number, reason: string): Promise<ApiProblem | undefined> {
    const answer = await this.#call('POST', 'reports', { seq, reason })
    return answer.ok ? undefined : answer.problem
  }

  export(): Promise<Answer<Blob>> {
    return this.#rooms.file(`/api/rooms/${encodeURIComponent(this.id)}/export`)
  }

  async delete(): Promise<ApiProblem | undefined> {
    const answer = await this.#call('DELETE', '')
    await this.#rooms.refresh()
    return answer.ok ? undefined : answer.problem
  }

  async #act(verb: string, body: object): Promise<ApiProblem | undefined> {
    const answer = await this.#call('POST', verb, body)
    await this.lookAtMembers()
    return answer.ok ? undefined : answer.problem
  }

  #call<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', verb: string, body?: unknown): Promise<Answer<T>> {
    const path = `/api/rooms/${encodeURIComponent(this.id)}${verb === '' ? '' : `/${verb}`}`
    return this.#rooms.call<T>(method, path, body)
  }
}
