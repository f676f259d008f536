// How a kind of chat server is spoken to over WebSocket. What comes in is bytes of a buffer that is used again for every
// socket: nothing is copied, no text and no object is made per message, so that one core counts millions a second.

export interface Dialect {
  /** Whether a send is answered: without, acks are neither waited for nor timed. */
  readonly hasAcks: boolean
  /** What the handshake asks for: path with query, and the subprotocol if one has to be named. */
  door(url: URL, name: string): { path: string; subprotocol?: string }
  /** One client's side of the talk. */
  talk(me: Me): Talk
}

/** What a client says, and what it makes of what it hears. */
export interface Talk {
  /** The handshake is through, or a refused join may be tried again: asks to be let into the room. */
  join(): void
  /** `id` as `sendId` makes it: it has to come back with the message (and the ack), for `readSendId`. */
  send(id: string, text: string): void
  /** As in `PayloadSink`. */
  data(bytes: Buffer, start: number, end: number, endsFrame: boolean): number
}

/** The client, as its talk sees it. Sends are named as in `send-id.ts`. */
export interface Me {
  readonly name: string
  readonly room: string
  /** Times what arrives; the others only count, and check the order. */
  readonly isSampled: boolean
  /** Messages that have arrived: the talk adds to it. */
  received: number
  /** Messages that came after one they should have come before, or twice: the talk adds to it. */
  misordered: number
  /** Whole WebSocket frames. */
  write(frame: Buffer): void
  joined(): void
  /** To be asked again in a moment. */
  refused(): void
  /** The connection will be closed, to come back after `forMs`. */
  putOff(forMs: number): void
  acked(run: number, k: number): void
  /** Of a sampled client: the message of that send is here. */
  arrived(run: number, k: number): void
  /** An error of the server, by its code. */
  failed(code: string): void
}
