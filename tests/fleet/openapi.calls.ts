// Every call about a room, with a body that is good.

export interface Person {
  id: string
  name: string
}
/** As in the document, and its body. */
export type Call = [call: string, body?: unknown]

export const room = (rest = '') => `/api/rooms/{roomId}${rest}`
/** Of no link. */
export const HASH = '0'.repeat(64)

/** Acts on somebody, each with a body that is good but for whom it names. */
export const ON_SOMEBODY: Record<string, (user: string) => object> = {
  remove: (user) => ({ user }),
  ban: (user) => ({ user }),
  unban: (user) => ({ user }),
  mute: (user) => ({ user, minutes: 5 }),
  unmute: (user) => ({ user }),
  role: (user) => ({ user, role: 'moderator' }),
  owner: (user) => ({ user }),
  uninvite: (user) => ({ user }),
}

/** All that can be done to a room, as somebody would do it who names this person in it; at last he leaves. */
export const actsOn = (person: Person): Call[] => [
  [`patch ${room()}`, { slowMs: 0 }],
  [`post ${room('/links')}`, { expiresInMs: 60_000 }],
  [`delete ${room('/links/{hash}')}`],
  ...Object.entries(ON_SOMEBODY).map(([act, bodyOn]): Call => [`post ${room(`/${act}`)}`, bodyOn(person.id)]),
  [`post ${room('/invite')}`, { username: person.name }],
  [`post ${room('/join')}`, {}],
  [`post ${room('/leave')}`],
]

/** Every call about a room; the last ones leave it and delete it. */
export const callsAbout = (person: Person): Call[] => [
  [`get ${room()}`],
  [`post ${room()}`],
  [`post ${room('/preview')}`, {}],
  [`get ${room('/members')}`],
  [`get ${room('/links')}`],
  [`get ${room('/audit')}`],
  [`get ${room('/reports')}`],
  [`get ${room('/export')}`],
  [`post ${room('/reports')}`, { seq: 1, reason: 'rude' }],
  ...actsOn(person),
  [`delete ${room()}`],
]
