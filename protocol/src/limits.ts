/** Sizes, rates and times both sides keep. Bytes and characters as named; a text is counted in UTF-16 units. */
export const LIMITS = {
  /** Longest text of a message, in UTF-16 code units (what `text.length` says). */
  textChars: 4_000,
  /** Longest sender-made id of a send. */
  idChars: 64,
  /** Longest emoji, in UTF-16 code units: families and flags of regions have many. */
  emojiChars: 32,
  refChars: 64,
  roomIdChars: 64,
  nameChars: 32,
  roomNameChars: 64,
  /** Largest frame a client may send. */
  frameBytes: 64 * 1024,
  fragments: 16,
  bufferedChunks: 1024,
  /** Most entries in one `history` answer; it may hold fewer where the entries are long. */
  historyEntries: 200,
  historyBytes: 256 * 1024,
  /** Entries a join without `since` streams. */
  joinEntries: 50,
  /** A resume further behind than this starts later (`first`); the rest is paged with `history`. */
  resumeEntries: 500,
  unackedSends: 64,
  /** A follower with this many unsent bytes is not written to … */
  highWaterBytes: 64 * 1024,
  /** … until it is below this. */
  lowWaterBytes: 16 * 1024,
  noProgressMs: 30_000,
  handshakeMs: 5_000,
  /** A `head` per joined room goes out at least this often. */
  heartbeatMs: 10_000,
  /** Nothing heard from a client for this long, in spite of pings: its line is dead. */
  silentMs: 30_000,
  /** So many bad lines within any `badFramesMs` close 4429. */
  badFrames: 100,
  badFramesMs: 10_000,
  /** Rooms one session may have joined. */
  joinedRooms: 200,
  /** Above this many members a room's comings and goings are a count only. */
  presenceNames: 200,
  /** Most sends of a sender in any `rateMs`, and how many of them at once. */
  rate: 20,
  rateMs: 10_000,
  rateBurst: 10,
  typingMs: 3_000,
  /** No access token is good for longer than this, whatever it says. */
  accessTokenMs: 30 * 60_000,
} as const
