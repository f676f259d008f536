import { countMessage } from './count-message.ts'
import type { Dialect, Me, Talk } from './dialect.ts'
import { textFrame } from './frame-writer.ts'
import { readSendId, type SendIdRead } from './send-id.ts'

const DIGIT_0 = 0x30
const DIGIT_2 = 0x32
const DIGIT_3 = 0x33
const DIGIT_4 = 0x34
/** Of the two requests a client has; the server only echoes them. */
const JOIN_ID = 1
const SEND_ID = 2
const ACK_HEAD = `43${SEND_ID}["`

/** Socket.IO over WebSocket: packets of Engine.IO 4, one in each frame. */
export const socketioDialect: Dialect = {
  hasAcks: true,
  door: (_url, name) => ({
    path: `/socket.io/?EIO=4&transport=websocket&username=${encodeURIComponent(name)}`,
  }),
  talk: (me) => new SocketioTalk(me),
}

class SocketioTalk implements Talk {
  readonly #me: Me
  readonly #room: string
  /** Length of what a message begins with; its id follows. */
  readonly #headLength: number
  readonly #read: SendIdRead = { run: 0, k: 0 }

  constructor(me: Me) {
    this.#me = me
    this.#room = JSON.stringify(me.room)
    this.#headLength = `42["message",{"room":${this.#room},"id":"`.length
  }

  join(): void {
    this.#write('40')
  }

  send(id: string, text: string): void {
    this.#write(`42${SEND_ID}["send",${this.#room},"${id}","${text}"]`)
  }

  data(bytes: Buffer, start: number, end: number, endsFrame: boolean): number {
    if (!endsFrame) return start
    const me = this.#me
    const kind = bytes[start]
    const type = bytes[start + 1]
    if (kind === DIGIT_4 && type === DIGIT_2) {
      countMessage(me, bytes, start + this.#headLength, end, this.#read)
    } else if (kind === DIGIT_4 && type === DIGIT_3) this.#acked(bytes, start, end)
    else if (kind === DIGIT_4 && type === DIGIT_0) this.#write(`42${JOIN_ID}["join",${this.#room}]`)
    else if (kind === DIGIT_2) this.#write('3')
    else if (kind !== DIGIT_0) me.failed(bytes.toString('utf8', start, end))
    return end
  }

  #acked(bytes: Buffer, start: number, end: number): void {
    if (readSendId(bytes, start + ACK_HEAD.length, end, this.#read)) {
      this.#me.acked(this.#read.run, this.#read.k)
    } else this.#me.joined()
  }

  #write(packet: string): void {
    this.#me.write(textFrame(packet))
  }
}
