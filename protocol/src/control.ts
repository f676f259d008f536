import * as z from 'zod/mini'
import { RoomIdSchema, UserSchema } from './frames.ts'
import { GenesisSchema } from './genesis.ts'

/**
 * The bodies of the balancer's HTTP calls. The balancer validates with these schemas and makes its OpenAPI document
 * from them; servers, scripts and the web app take their types from here.
 */

const id = z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/))
const count = z.int().check(z.gte(0))
const webSocketUrl = z.string().check(z.regex(/^wss?:\/\/[^\s/]+(\/[^\s]*)?$/), z.maxLength(2_000))

export { LoggedInSchema, LoginSchema, MeSchema, type LoggedIn } from './accounts.ts'

/** A room a server holds as its home: `epoch` = the term it holds it in, `head` = its last seq. */
export const HeldRoomSchema = z.object({
  room: RoomIdSchema,
  epoch: count,
  head: count,
  /** What the room was made as, if its store knows it: a directory that was lost learns it again. */
  genesis: z.optional(GenesisSchema),
})

/** `POST /register`: who I am, where clients and peers reach me, which run of mine this is (`inc`). */
export const RegisterSchema = z.object({
  id,
  /** What clients are told; ends in `/ws`. */
  url: webSocketUrl,
  host: z.string().check(z.minLength(1), z.maxLength(255)),
  port: z.int().check(z.gte(1), z.lte(65_535)),
  /** Clients it takes. */
  capacity: z.int().check(z.gte(1)),
  inc: id,
  rooms: z.optional(z.array(HeldRoomSchema)),
  /** Folder of its store on this machine: where a survivor finds its rooms. */
  dataDir: z.optional(z.string().check(z.maxLength(4_096))),
  /** Highest commit its store holds: a file older than the last one reported is found by it. */
  commitNo: z.optional(count),
  /** In this run its store was found to be older than it was, and counts from above its mark again: `commitNo` does not tell. */
  renewed: z.optional(z.boolean()),
})
/**
 * Whose access tokens are good no more, though they have not ended: `POST /internal/revoke` of a server (fleet secret), and in
 * the answer to `/register` all of them that may still bear one.
 */
export const RevokeSchema = z.object({
  /** Sessions (`sid` of a token) that were ended. */
  sessions: z.optional(z.array(z.string().check(z.maxLength(128)))),
  /** Tokens of these users that were issued before that time, in ms since 1970; their connections close with `code`. */
  users: z.optional(
    z.array(
      z.object({
        id: z.string().check(z.maxLength(256)),
        issuedBefore: z.number().check(z.gte(0)),
        code: z.union([z.literal(4401), z.literal(4403)]),
      }),
    ),
  ),
})
export const RegisteredSchema = z.object({
  heartbeatMs: count,
  /** The highest commit this server ever reported: a store that is below it has lost something. */
  watermark: z.optional(count),
  revoked: z.optional(RevokeSchema),
})

/** `POST /update`: the load now. `n` rises with every report of a run. */
export const UpdateSchema = z.object({
  id,
  inc: id,
  n: count,
  clients: count,
  rooms: count,
  draining: z.boolean(),
  loopDelayMs: z.number().check(z.gte(0)),
  commitNo: count,
})

/** Where one server is. `host:port` for peers and probes, `url` for clients. */
export const PeerSchema = z.object({ id, url: z.string(), host: z.string(), port: z.int() })

/** What the balancer tells a server in the answer to a report. */
export const CommandSchema = z.discriminatedUnion('type', [
  /** The other servers that are up: `alternatives` for clients. Sent after a change, and in the first answer of a run. */
  z.object({ type: z.literal('servers'), servers: z.array(PeerSchema) }),
  /** Take no more clients, hand over every room, send the clients elsewhere, then stand by empty. Told until it is reported. */
  z.object({ type: z.literal('drain') }),
  /** Serve again. A server that ends anyway (SIGTERM) does not heed it. */
  z.object({ type: z.literal('cancel-drain') }),
])
export const UpdatedSchema = z.object({ commands: z.array(CommandSchema) })

/** `POST /internal/drain` (fleet secret): sends no more clients to a server, and tells it to drain; or takes that back. */
export const DrainSchema = z.object({ id, drain: z.boolean() })

/** `GET /healthz` of either process: who answers, and in which run. The dial-back compares both with the registration. */
export const HealthSchema = z.object({ id, inc: id, ok: z.literal(true) })
/** `GET /readyz` of the balancer. */
export const ReadySchema = z.object({ ready: z.literal(true), serversUp: count })

/** `GET /get`. */
export const ChosenSchema = z.object({
  id,
  host: z.string(),
  port: z.int(),
  address: z.string(),
  /** Its clients, by its last report. */
  load: count,
  url: z.string(),
  alternatives: z.array(z.string()),
})

export const ServerStateSchema = z.enum(['up', 'late', 'draining', 'down'])
/** One row of `GET /servers`. */
export const ServerRowSchema = z.object({
  id,
  /** Its run: another one under the same id means that it was restarted. */
  inc: id,
  url: z.string(),
  host: z.string(),
  port: z.int(),
  state: ServerStateSchema,
  clients: count,
  rooms: count,
  capacity: count,
  /** Milliseconds since its last report. */
  ageMs: count,
  loopDelayMs: z.number(),
})
export const ServerListSchema = z.array(ServerRowSchema)

/** `GET /.well-known/jwks.json`: the public keys tokens are verified by. */
export const KeySetSchema = z.object({
  keys: z.array(
    z.object({
      kty: z.literal('OKP'),
      crv: z.literal('Ed25519'),
      x: z.string(),
      kid: z.string(),
      alg: z.literal('EdDSA'),
      use: z.literal('sig'),
    }),
  ),
})

/** `direct`: between two people. */
export const VisibilitySchema = z.enum(['public', 'private', 'direct'])
export const CreateRoomSchema = z.object({
  name: z.string().check(z.minLength(1), z.maxLength(64)),
  /** Rooms between two people are made by `POST /api/direct`. */
  visibility: z.optional(z.enum(['public', 'private'])),
  topic: z.optional(z.string().check(z.maxLength(500))),
})
export const RoomCreatedSchema = z.object({ roomId: RoomIdSchema })
/** One row of `GET /api/rooms`, and `GET /api/rooms/:roomId`. */
export const RoomFactsSchema = z.object({
  roomId: RoomIdSchema,
  name: z.string(),
  visibility: VisibilitySchema,
  /** Milliseconds since 1970. */
  createdAt: count,
  /** Id of the server that is its home now. */
  home: z.optional(z.string()),
  /** What the asker is there; absent: nothing. */
  membership: z.optional(z.enum(['owner', 'moderator', 'member', 'invited'])),
  topic: z.optional(z.string()),
  /** Nothing more is said there. */
  archived: z.optional(z.literal(true)),
  /** Least time between two messages of one person; absent: any. */
  slowMs: z.optional(count),
  /** For how long messages are kept; absent: for ever. */
  retentionDays: z.optional(count),
  /** Of a room between two people: who they are, now. */
  people: z.optional(z.array(UserSchema)),
})
export const RoomListSchema = z.array(RoomFactsSchema)
/** `POST /api/rooms/:roomId`: the session server of that room. */
export const RoomPlaceSchema = z.object({ roomId: RoomIdSchema, url: z.string(), home: z.string() })

/**
 * `POST /internal/place` (fleet secret): which server is the home of `room`, chosen now if none is.
 * `server` = who asks; `unreachable` = the home it could not reach, which is then probed at once.
 */
export const PlaceSchema = z.object({
  room: RoomIdSchema,
  server: id,
  unreachable: z.optional(id),
  /** The asking server is the home and leaves: name another one, unless there is none. */
  leaving: z.optional(z.boolean()),
})
/** `epoch` = the term the home holds the room in; only a higher one makes another server its home. */
export const PlacedSchema = z.object({
  room: RoomIdSchema,
  epoch: count,
  home: PeerSchema,
  visibility: VisibilitySchema,
  /** What it was made as, for its home to keep with the log; absent for rooms that were made before this was kept. */
  genesis: z.optional(GenesisSchema),
  /**
   * The other servers whose stores may hold the room, while its home is not known to have all of it: who takes it fences them all.
   * `watermark`: the highest commit number each reported; a store that is older has lost what was acked.
   */
  from: z.array(z.object({ id, dataDir: z.optional(z.string()), watermark: z.optional(count) })),
})

/** `POST /internal/taken` (fleet secret): the server has all of these rooms now, as their home. */
export const TakenSchema = z.object({ server: id, rooms: z.array(HeldRoomSchema) })

/** Done; nothing more to say. */
export const AcceptedSchema = z.object({})

/** RFC 9457. `code` is stable; `title` and `detail` are for people. */
export const ProblemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  /** Where whoever asks stands in the line of those who wait for a server that is not full; 1 = next. */
  place: z.optional(z.int().check(z.gte(1))),
})

/** Data of the `registry` event of `GET /events`: the rows that changed, and the ids that are gone. */
export const RegistryChangeSchema = z.object({ servers: ServerListSchema, gone: z.array(id) })
/** Data of the `snapshot` event, the first of each connection. */
export const SnapshotSchema = z.object({ servers: ServerListSchema })
/** Data of the `placement` event: a public room got this home; `formerHome` = the one before, if it had any. */
export const PlacementChangeSchema = z.object({
  room: RoomIdSchema,
  home: z.string(),
  formerHome: z.optional(z.string()),
  epoch: count,
})

export type HeldRoom = z.infer<typeof HeldRoomSchema>
export type Register = z.infer<typeof RegisterSchema>
export type Revoke = z.infer<typeof RevokeSchema>
export type Update = z.infer<typeof UpdateSchema>
export type Health = z.infer<typeof HealthSchema>
export type RegistryChange = z.infer<typeof RegistryChangeSchema>
export type Snapshot = z.infer<typeof SnapshotSchema>
export type PlacementChange = z.infer<typeof PlacementChangeSchema>
export type Command = z.infer<typeof CommandSchema>
export type Peer = z.infer<typeof PeerSchema>
export type Chosen = z.infer<typeof ChosenSchema>
export type ServerState = z.infer<typeof ServerStateSchema>
export type ServerRow = z.infer<typeof ServerRowSchema>
export type Visibility = z.infer<typeof VisibilitySchema>
export type RoomFacts = z.infer<typeof RoomFactsSchema>
export type RoomPlace = z.infer<typeof RoomPlaceSchema>
export type Place = z.infer<typeof PlaceSchema>
export type Placed = z.infer<typeof PlacedSchema>
export type Problem = z.infer<typeof ProblemSchema>

/**
 * Stable codes of the balancer's problems, with the status each comes with. `detail`: one sentence for people, where the call
 * has nothing more to say.
 */
export const PROBLEMS = {
  bad_request: {
    status: 400,
    title: 'The request is not as the API describes it',
    detail: 'See GET /openapi.json for what this call takes.',
  },
  unauthenticated: {
    status: 401,
    title: 'A valid token is needed',
    detail: 'Send the token of a login that has not ended, as Authorization: Bearer.',
  },
  /** The same for a name that no account has, and as much work. */
  wrong_password: {
    status: 401,
    title: 'The name or the password is wrong',
    detail: 'There is no account of this name with this password.',
  },
  forbidden: { status: 403, title: 'Not allowed', detail: 'Whose token this is may not do that.' },
  foreign_origin: {
    status: 403,
    title: 'A page of this origin may not do that',
    detail: 'Only pages of the origins this balancer was started with may call it from a browser.',
  },
  not_found: { status: 404, title: 'There is nothing here', detail: 'No call has this path.' },
  unknown_server: {
    status: 404,
    title: 'This server is not registered',
    detail: 'No server of this id is registered: register first.',
  },
  no_such_room: {
    status: 404,
    title: 'There is no such room',
    detail: 'There is no room of this id, or not for you.',
  },
  no_such_user: {
    status: 404,
    title: 'There is no such person',
    detail: 'No account has this name or id.',
  },
  method_not_allowed: {
    status: 405,
    title: 'This method is not offered here',
    detail: 'The header Allow names the methods of this path.',
  },
  username_taken: {
    status: 409,
    title: 'This name belongs to an account',
    detail:
      'An account has this name, or one that looks like it: choose another one, or log in with the password.',
  },
  too_many: {
    status: 409,
    title: 'There are too many of these',
    detail: 'Take one away before adding another.',
  },
  stale_incarnation: {
    status: 409,
    title: 'A newer run of this server is registered',
    detail: 'Another process runs under this id, or did after this one.',
  },
  conflict: {
    status: 409,
    title: 'This cannot be done as things are',
    detail: 'Something else has to be done first, or the same key was used for another request.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not end in time',
    detail: 'Its head or its body took longer than a request may.',
  },
  too_large: {
    status: 413,
    title: 'The body is too large',
    detail: 'The body is larger than this call takes.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body is not plain JSON',
    detail: 'Send application/json in UTF-8, not compressed.',
  },
  dial_back_failed: {
    status: 422,
    title: 'The server could not be reached where it says it is',
    detail: 'GET /healthz at its host and port did not answer with its id and run.',
  },
  bad_name: {
    status: 422,
    title: 'This name cannot be used',
    detail: 'A name is printable, not too long, and has no space at either end.',
  },
  bad_password: {
    status: 422,
    title: 'This password cannot be used',
    detail: 'A password has 8 to 128 characters, and is not one of the commonest.',
  },
  not_supported: { status: 422, title: 'Not offered yet', detail: 'This has not been built yet.' },
  guests_off: {
    status: 403,
    title: 'Guests are not let in here',
    detail: 'This balancer was started with --guests off.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    detail: 'The header Retry-After says in how many seconds the next one may come.',
  },
  header_too_large: {
    status: 431,
    title: 'The head of the request is too large',
    detail: 'All headers together take 16 KiB at most.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong here',
    detail: 'The log of the balancer says what; try again.',
  },
  no_server: {
    status: 503,
    title: 'No chat server can take a client now',
    detail: 'None is up, or all are full or leaving; Retry-After says when to ask again.',
  },
  busy: {
    status: 503,
    title: 'This cannot be done just now',
    detail: 'The header Retry-After says when to try again.',
  },
  not_ready: { status: 503, title: 'Not ready yet', detail: 'The balancer is stopping.' },
} as const satisfies Record<string, { status: number; title: string; detail: string }>
export type ProblemCode = keyof typeof PROBLEMS
