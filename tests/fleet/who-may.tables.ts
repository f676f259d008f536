// Who may do what, as tables: rows are what can be asked, columns those who ask. What every answer is, exactly.

/**
 * Who asks.
 * stranger: has an account · guest: has none · other: member of another private room · removed: was a member and sent out, before he
 * came or (`ousted`) while he was in the room · banned · invited: and has not joined · muted: a member who is · loggedOut: a member whose
 * session is ended.
 */
export const ASKERS = [
  'stranger',
  'guest',
  'other',
  'removed',
  'ousted',
  'banned',
  'invited',
  'member',
  'muted',
  'moderator',
  'owner',
  'loggedOut',
] as const
export type Asker = (typeof ASKERS)[number]
/** Archived: a private room that is. */
export const KINDS = ['private', 'public', 'direct', 'archived'] as const
export type Kind = (typeof KINDS)[number]
/** What each asker is answered to each question, by its line. */
export type Table = ReadonlyMap<string, ReadonlyMap<Asker, string>>

/** The call stands for what its words begin with; what follows the path says how it is meant. */
export const callOf = (line: string) => line.split(' ').slice(0, 2).join(' ')

/** First line: the askers. Each other one: a question, two or more spaces, its answers. */
function table(text: string): Table {
  const [head = '', ...rows] = text.split('\n').filter((line) => line.trim() !== '')
  const askers = head.trim().split(/\s+/) as Asker[]
  return new Map(
    rows.map((row) => {
      const [line = '', ...answers] = row.trim().split(/\s{2,}/)
      if (answers.length !== askers.length) throw new Error(`${answers.length} answers: ${row}`)
      return [line, new Map(askers.map((asker, at) => [asker, answers[at] ?? '']))]
    }),
  )
}

/** Calls about rooms that only the fleet itself makes: in every kind of room they are nobody else's. */
const INTERNAL = [
  'POST /internal/place',
  'POST /internal/taken',
  'GET /internal/reports',
  'DELETE /internal/reports/{reportId}',
]

/** What is answered by HTTP in one kind of room: `text`, and to `INTERNAL`. */
function httpTable(text: string): Table {
  const rows = new Map(table(text))
  const [first] = rows.values()
  for (const line of INTERNAL)
    rows.set(line, new Map([...(first?.keys() ?? [])].map((asker) => [asker, 'who'])))
  return rows
}

/** As in another kind of room, but for these lines. */
const asIn = (other: Table, lines: Table): Table => new Map([...other, ...lines])

/**
 * yes: as documented; where it is an act, an entry was written · same: it was so already, and nothing was written ·
 * none: 404 no_such_room, word for word what is said of a room that never was · no: 403 forbidden · who: 401 unauthenticated ·
 * listed, hidden: 200, with the room in the list or not
 */
const PRIVATE = httpTable(`
                                              stranger  guest   other   removed  banned  invited  member  moderator  owner   loggedOut
  GET /api/rooms                              hidden    hidden  hidden  hidden   hidden  listed   listed  listed     listed  who
  GET /api/rooms/{roomId}                     none      none    none    none     none    yes      yes     yes        yes     who
  POST /api/rooms/{roomId}                    none      none    none    none     none    yes      yes     yes        yes     who
  PATCH /api/rooms/{roomId} name              none      none    none    none     none    none     no      no         yes     who
  PATCH /api/rooms/{roomId} bad name          none      none    none    none     none    bad      bad     bad        bad     who
  PATCH /api/rooms/{roomId} topic             none      none    none    none     none    none     no      yes        yes     who
  PATCH /api/rooms/{roomId} slow mode         none      none    none    none     none    none     no      yes        yes     who
  PATCH /api/rooms/{roomId} retention         none      none    none    none     none    none     no      no         yes     who
  PATCH /api/rooms/{roomId} archive           none      none    none    none     none    none     no      no         yes     who
  PATCH /api/rooms/{roomId} nothing           none      none    none    none     none    yes      yes     yes        yes     who
  DELETE /api/rooms/{roomId}                  none      none    none    none     none    no       no      no         yes     who
  POST /api/rooms/{roomId}/preview            none      none    none    none     none    yes      yes     yes        yes     who
  POST /api/rooms/{roomId}/preview by link    yes       none    yes     none     none    yes      yes     yes        yes     who
  POST /api/rooms/{roomId}/preview no link    none      none    none    none     none    yes      yes     yes        yes     who
  POST /api/rooms/{roomId}/join               none      none    none    none     none    yes      same    same       same    who
  POST /api/rooms/{roomId}/join by link       yes       none    yes     none     none    yes      same    same       same    who
  POST /api/rooms/{roomId}/join later link    yes       none    yes     yes      none    yes      same    same       same    who
  POST /api/rooms/{roomId}/join by no link    none      none    none    none     none    yes      same    same       same    who
  POST /api/rooms/{roomId}/leave              none      none    none    none     none    yes      yes     yes        no      who
  POST /api/rooms/{roomId}/invite             none      none    none    none     none    none     no      yes        yes     who
  POST /api/rooms/{roomId}/invite nobody      none      none    none    none     none    nobody   nobody  nobody     nobody  who
  POST /api/rooms/{roomId}/uninvite           none      none    none    none     none    none     no      yes        yes     who
  POST /api/rooms/{roomId}/remove             none      none    none    none     none    none     no      yes        yes     who
  POST /api/rooms/{roomId}/remove moderator   none      none    none    none     none    none     no      no         yes     who
  POST /api/rooms/{roomId}/remove owner       none      none    none    none     none    none     no      no         no      who
  POST /api/rooms/{roomId}/ban                none      none    none    none     none    none     no      yes        yes     who
  POST /api/rooms/{roomId}/ban moderator      none      none    none    none     none    none     no      no         yes     who
  POST /api/rooms/{roomId}/ban owner          none      none    none    none     none    none     no      no         no      who
  POST /api/rooms/{roomId}/unban              none      none    none    none     none    none     no      yes        yes     who
  POST /api/rooms/{roomId}/mute               none      none    none    none     none    none     no      yes        yes     who
  POST /api/rooms/{roomId}/mute moderator     none      none    none    none     none    none     no      no         yes     who
  POST /api/rooms/{roomId}/mute owner         none      none    none    none     none    none     no      no         no      who
  POST /api/rooms/{roomId}/unmute             none      none    none    none     none    none     no      yes        yes     who
  POST /api/rooms/{roomId}/role               none      none    none    none     none    none     no      no         yes     who
  POST /api/rooms/{roomId}/owner              none      none    none    none     none    none     no      no         yes     who
  GET /api/rooms/{roomId}/members             none      none    none    none     none    no       yes     yes        yes     who
  POST /api/rooms/{roomId}/links              none      none    none    none     none    none     no      no         yes     who
  GET /api/rooms/{roomId}/links               none      none    none    none     none    no       no      no         yes     who
  DELETE /api/rooms/{roomId}/links/{hash}     none      none    none    none     none    none     no      no         yes     who
  GET /api/rooms/{roomId}/audit               none      none    none    none     none    no       no      yes        yes     who
  POST /api/rooms/{roomId}/reports            none      none    none    none     none    no       yes     yes        yes     who
  GET /api/rooms/{roomId}/reports             none      none    none    none     none    no       no      yes        yes     who
  GET /api/rooms/{roomId}/export              none      none    none    none     none    no       no      no         yes     who
`)

export const HTTP: Record<Kind, Table> = {
  private: PRIVATE,
  public: httpTable(`
                                                stranger  guest   other   removed  banned  invited  member  moderator  owner   loggedOut
    GET /api/rooms                              listed    listed  listed  listed   listed  listed   listed  listed     listed  who
    GET /api/rooms/{roomId}                     yes       yes     yes     yes      yes     yes      yes     yes        yes     who
    POST /api/rooms/{roomId}                    yes       yes     yes     yes      yes     yes      yes     yes        yes     who
    PATCH /api/rooms/{roomId} name              no        no      no      no       no      no       no      no         yes     who
    PATCH /api/rooms/{roomId} bad name          bad       bad     bad     bad      no      bad      bad     bad        bad     who
    PATCH /api/rooms/{roomId} topic             no        no      no      no       no      no       no      yes        yes     who
    PATCH /api/rooms/{roomId} slow mode         no        no      no      no       no      no       no      yes        yes     who
    PATCH /api/rooms/{roomId} retention         no        no      no      no       no      no       no      no         yes     who
    PATCH /api/rooms/{roomId} archive           no        no      no      no       no      no       no      no         yes     who
    PATCH /api/rooms/{roomId} nothing           yes       yes     yes     yes      yes     yes      yes     yes        yes     who
    DELETE /api/rooms/{roomId}                  no        no      no      no       no      no       no      no         yes     who
    POST /api/rooms/{roomId}/preview            yes       yes     yes     yes      no      yes      yes     yes        yes     who
    POST /api/rooms/{roomId}/preview no link    yes       yes     yes     yes      no      yes      yes     yes        yes     who
    POST /api/rooms/{roomId}/join               yes       no      yes     yes      no      yes      same    same       same    who
    POST /api/rooms/{roomId}/join by link       yes       no      yes     yes      no      yes      same    same       same    who
    POST /api/rooms/{roomId}/join by no link    yes       no      yes     yes      no      yes      same    same       same    who
    POST /api/rooms/{roomId}/leave              same      no      same    same     same    yes      yes     yes        no      who
    POST /api/rooms/{roomId}/invite             no        no      no      no       no      no       no      yes        yes     who
    POST /api/rooms/{roomId}/invite nobody      nobody    nobody  nobody  nobody   no      nobody   nobody  nobody     nobody  who
    POST /api/rooms/{roomId}/uninvite           no        no      no      no       no      no       no      yes        yes     who
    POST /api/rooms/{roomId}/remove             no        no      no      no       no      no       no      yes        yes     who
    POST /api/rooms/{roomId}/remove moderator   no        no      no      no       no      no       no      no         yes     who
    POST /api/rooms/{roomId}/remove owner       no        no      no      no       no      no       no      no         no      who
    POST /api/rooms/{roomId}/ban                no        no      no      no       no      no       no      yes        yes     who
    POST /api/rooms/{roomId}/ban moderator      no        no      no      no       no      no       no      no         yes     who
    POST /api/rooms/{roomId}/ban owner          no        no      no      no       no      no       no      no         no      who
    POST /api/rooms/{roomId}/unban              no        no      no      no       no      no       no      yes        yes     who
    POST /api/rooms/{roomId}/mute               no        no      no      no       no      no       no      yes        yes     who
    POST /api/rooms/{roomId}/mute moderator     no        no      no      no       no      no       no      no         yes     who
    POST /api/rooms/{roomId}/mute owner         no        no      no      no       no      no       no      no         no      who
    POST /api/rooms/{roomId}/unmute             no        no      no      no       no      no       no      yes        yes     who
    POST /api/rooms/{roomId}/role               no        no      no      no       no      no       no      no         yes     who
    POST /api/rooms/{roomId}/owner              no        no      no      no       no      no       no      no         yes     who
    GET /api/rooms/{roomId}/members             yes       yes     yes     yes      no      yes      yes     yes        yes     who
    POST /api/rooms/{roomId}/links              no        no      no      no       no      no       no      no         no      who
    GET /api/rooms/{roomId}/links               no        no      no      no       no      no       no      no         yes     who
    DELETE /api/rooms/{roomId}/links/{hash}     no        no      no      no       no      no       no      no         same    who
    GET /api/rooms/{roomId}/audit               no        no      no      no       no      no       no      yes        yes     who
    POST /api/rooms/{roomId}/reports            yes       yes     yes     yes      no      yes      yes     yes        yes     who
    GET /api/rooms/{roomId}/reports             no        no      no      no       no      no       no      yes        yes     who
    GET /api/rooms/{roomId}/export              no        no      no      no       no      no       no      no         yes     who
  `),
  direct: httpTable(`
                                                stranger  guest   other   member  loggedOut
    GET /api/rooms                              hidden    hidden  hidden  listed  who
    GET /api/rooms/{roomId}                     none      none    none    yes     who
    POST /api/rooms/{roomId}                    none      none    none    yes     who
    PATCH /api/rooms/{roomId} name              none      none    none    no      who
    PATCH /api/rooms/{roomId} bad name          none      none    none    bad     who
    PATCH /api/rooms/{roomId} topic             none      none    none    no      who
    PATCH /api/rooms/{roomId} slow mode         none      none    none    no      who
    PATCH /api/rooms/{roomId} retention         none      none    none    no      who
    PATCH /api/rooms/{roomId} archive           none      none    none    no      who
    PATCH /api/rooms/{roomId} nothing           none      none    none    yes     who
    DELETE /api/rooms/{roomId}                  none      none    none    no      who
    POST /api/rooms/{roomId}/preview            none      none    none    yes     who
    POST /api/rooms/{roomId}/preview no link    none      none    none    yes     who
    POST /api/rooms/{roomId}/join               none      none    none    no      who
    POST /api/rooms/{roomId}/join by no link    none      none    none    no      who
    POST /api/rooms/{roomId}/leave              none      none    none    no      who
    POST /api/rooms/{roomId}/invite             none      none    none    no      who
    POST /api/rooms/{roomId}/invite nobody      none      none    none    nobody  who
    POST /api/rooms/{roomId}/uninvite           none      none    none    no      who
    POST /api/rooms/{roomId}/remove             none      none    none    no      who
    POST /api/rooms/{roomId}/ban                none      none    none    no      who
    POST /api/rooms/{roomId}/unban              none      none    none    no      who
    POST /api/rooms/{roomId}/mute               none      none    none    no      who
    POST /api/rooms/{roomId}/unmute             none      none    none    no      who
    POST /api/rooms/{roomId}/role               none      none    none    no      who
    POST /api/rooms/{roomId}/owner              none      none    none    no      who
    GET /api/rooms/{roomId}/members             none      none    none    yes     who
    POST /api/rooms/{roomId}/links              none      none    none    no      who
    GET /api/rooms/{roomId}/links               none      none    none    no      who
    DELETE /api/rooms/{roomId}/links/{hash}     none      none    none    no      who
    GET /api/rooms/{roomId}/audit               none      none    none    no      who
    POST /api/rooms/{roomId}/reports            none      none    none    yes     who
    GET /api/rooms/{roomId}/reports             none      none    none    no      who
    GET /api/rooms/{roomId}/export              none      none    none    no      who
  `),
  archived: asIn(
    PRIVATE,
    table(`
                                                stranger  guest   other   removed  banned  invited  member  moderator  owner   loggedOut
    PATCH /api/rooms/{roomId} name              none      none    none    none     none    none     no      no         no      who
    PATCH /api/rooms/{roomId} topic             none      none    none    none     none    none     no      no         no      who
    PATCH /api/rooms/{roomId} slow mode         none      none    none    none     none    none     no      no         no      who
    PATCH /api/rooms/{roomId} retention         none      none    none    none     none    none     no      no         no      who
    PATCH /api/rooms/{roomId} unarchive         none      none    none    none     none    none     no      no         yes     who
    POST /api/rooms/{roomId}/join               none      none    none    none     none    no       no      no         no      who
    POST /api/rooms/{roomId}/join by link       no        none    no      none     none    no       no      no         no      who
    POST /api/rooms/{roomId}/join later link    no        none    no      no       none    no       no      no         no      who
    POST /api/rooms/{roomId}/join by no link    none      none    none    none     none    no       no      no         no      who
    POST /api/rooms/{roomId}/invite             none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/uninvite           none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/remove             none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/remove moderator   none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/ban                none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/ban moderator      none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/unban              none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/mute               none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/mute moderator     none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/unmute             none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/role               none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/owner              none      none    none    none     none    none     no      no         no      who
    POST /api/rooms/{roomId}/links              none      none    none    none     none    none     no      no         no      who
    DELETE /api/rooms/{roomId}/links/{hash}     none      none    none    none     none    none     no      no         no      who
  `),
  ),
}

/** What is about rooms, and about none in particular. */
export const ANY_ROOM: Table = table(`
                                                stranger  guest   loggedOut
    POST /api/rooms public                      yes       yes     who
    POST /api/rooms private                     yes       no      who
    POST /api/direct                            yes       no      who
    POST /api/direct nobody                     nobody    no      who
    PUT /api/blocks/{userId}                    yes       no      who
    DELETE /api/blocks/{userId}                 yes       no      who
    GET /api/me/export                          yes       no      who
`)

/** Calls that are about no room; what they do is shown elsewhere. */
export const NO_ROOM = [
  'GET /get',
  'GET /servers',
  'POST /register',
  'POST /update',
  'POST /internal/drain',
  'POST /internal/rotate-keys',
  'POST /api/signup',
  'POST /api/login',
  'POST /api/token',
  'POST /api/logout',
  'GET /api/me',
  'PATCH /api/me',
  'DELETE /api/me',
  'POST /api/me/password',
  'GET /api/sessions',
  'DELETE /api/sessions',
  'DELETE /api/sessions/{sessionId}',
  'GET /api/blocks',
  'GET /healthz',
  'GET /readyz',
  'GET /metrics',
  'GET /events',
  'GET /.well-known/jwks.json',
  'GET /openapi.json',
  'GET /asyncapi.json',
]

/**
 * In this order, each after a try to join, but for what comes before that.
 * yes: what SPEC.md says · none: no_such_room · out: not_joined, as for any room · no: forbidden · shut: the connection was
 * closed with 4401, and no other one is let in · heard, unheard: no answer, and those in the room are told or not
 */
const PRIVATE_BY_SOCKET = table(`
                           stranger  guest  other  removed  ousted  banned  invited  member  muted    moderator  owner  loggedOut
  send before joining      out       out    out    out      out     out     out      out     out      out        out    shut
  history before joining   out       out    out    out      out     out     out      out     out      out        out    shut
  join                     none      none   none   none     none    none    none     yes     yes      yes        yes    shut
  join since 0             none      none   none   none     none    none    none     yes     yes      yes        yes    shut
  send                     out       out    out    out      out     out     out      yes     no       yes        yes    shut
  edit own                 out       out    out    out      out     out     out      yes     no       yes        yes    shut
  edit another’s           out       out    out    out      out     out     out      no      no       no         no     shut
  react                    out       out    out    out      out     out     out      yes     no       yes        yes    shut
  delete another’s         out       out    out    out      out     out     out      no      no       yes        yes    shut
  delete own               out       out    out    out      out     out     out      yes     no       yes        yes    shut
  history                  out       out    out    out      out     out     out      yes     yes      yes        yes    shut
  typing                   out       out    out    out      out     out     out      heard   unheard  heard      heard  shut
  leave                    yes       yes    yes    yes      yes     yes     yes      yes     yes      yes        yes    shut
  ping                     yes       yes    yes    yes      yes     yes     yes      yes     yes      yes        yes    shut
`)

export const SOCKET: Record<Kind, Table> = {
  private: PRIVATE_BY_SOCKET,
  public: table(`
                             stranger  guest  other  removed  ousted  banned  invited  member  muted    moderator  owner  loggedOut
    send before joining      out       out    out    out      out     out     out      out     out      out        out    shut
    history before joining   out       out    out    out      out     out     out      out     out      out        out    shut
    join                     yes       yes    yes    yes      yes     no      yes      yes     yes      yes        yes    shut
    join since 0             yes       yes    yes    yes      yes     no      yes      yes     yes      yes        yes    shut
    send                     yes       yes    yes    yes      yes     out     yes      yes     no       yes        yes    shut
    edit own                 yes       yes    yes    yes      yes     out     yes      yes     no       yes        yes    shut
    edit another’s           no        no     no     no       no      out     no       no      no       no         no     shut
    react                    yes       yes    yes    yes      yes     out     yes      yes     no       yes        yes    shut
    delete another’s         no        no     no     no       no      out     no       no      no       yes        yes    shut
    delete own               yes       yes    yes    yes      yes     out     yes      yes     no       yes        yes    shut
    history                  yes       yes    yes    yes      yes     out     yes      yes     yes      yes        yes    shut
    typing                   heard     heard  heard  heard    heard   out     heard    heard   unheard  heard      heard  shut
    leave                    yes       yes    yes    yes      yes     yes     yes      yes     yes      yes        yes    shut
    ping                     yes       yes    yes    yes      yes     yes     yes      yes     yes      yes        yes    shut
  `),
  direct: table(`
                             stranger  guest  other  member  loggedOut
    send before joining      out       out    out    out     shut
    history before joining   out       out    out    out     shut
    join                     none      none   none   yes     shut
    join since 0             none      none   none   yes     shut
    send                     out       out    out    yes     shut
    edit own                 out       out    out    yes     shut
    edit another’s           out       out    out    no      shut
    react                    out       out    out    yes     shut
    delete another’s         out       out    out    no      shut
    delete own               out       out    out    yes     shut
    history                  out       out    out    yes     shut
    typing                   out       out    out    heard   shut
    leave                    yes       yes    yes    yes     shut
    ping                     yes       yes    yes    yes     shut
  `),
  archived: asIn(
    PRIVATE_BY_SOCKET,
    table(`
                             stranger  guest  other  removed  ousted  banned  invited  member   muted    moderator  owner    loggedOut
    send                     out       out    out    out      out     out     out      no       no       no         no       shut
    edit own                 out       out    out    out      out     out     out      no       no       no         no       shut
    react                    out       out    out    out      out     out     out      no       no       no         no       shut
    delete another’s         out       out    out    out      out     out     out      no       no       no         no       shut
    delete own               out       out    out    out      out     out     out      no       no       no         no       shut
    typing                   out       out    out    out      out     out     out      unheard  unheard  unheard    unheard  shut
  `),
  ),
}
