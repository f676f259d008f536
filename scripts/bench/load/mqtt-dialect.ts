import { countMessage } from './count-message.ts'
import type { Dialect, Me, Talk } from './dialect.ts'
import { binaryFrame } from './frame-writer.ts'
import type { SendIdRead } from './send-id.ts'

/** First bytes of packets (MQTT 3.1.1, section 2.2); a message of QoS 0 has no flags. */
const CONNECT = 0x10
const CONNACK = 0x20
const PUBLISH = 0x30
const SUBSCRIBE = 0x82
const SUBACK = 0x90
const CLEAN_SESSION = 0x02
const LEVEL = 4
/** Of the only subscription a client has. */
const PACKET_ID = 1
const GOES_ON = 0x80
const REFUSED = 0x80

/** MQTT 3.1.1, QoS 0; frames of the WebSocket mean nothing to it. A room is a topic. */
export const mqttDialect: Dialect = {
  hasAcks: false,
  door: (url) => ({ path: url.pathname, subprotocol: 'mqtt' }),
  talk: (me) => new MqttTalk(me),
}

class MqttTalk implements Talk {
  readonly #me: Me
  readonly #topic: Buffer
  readonly #read: SendIdRead = { run: 0, k: 0 }

  constructor(me: Me) {
    this.#me = me
    this.#topic = text(me.room)
  }

  join(): void {
    const keepAlive = Buffer.from([0, 0]) // none
    const head = [text('MQTT'), Buffer.from([LEVEL, CLEAN_SESSION]), keepAlive, text(this.#me.name)]
    const qos = Buffer.from([0])
    const subscription = [Buffer.from([0, PACKET_ID]), this.#topic, qos]
    this.#me.write(binaryFrame(Buffer.concat([packet(CONNECT, head), packet(SUBSCRIBE, subscription)])))
  }

  send(id: string, message: string): void {
    this.#me.write(binaryFrame(packet(PUBLISH, [this.#topic, Buffer.from(`${id} ${message}`)])))
  }

  data(bytes: Buffer, start: number, end: number): number {
    let at = start
    while (at < end) {
      let length = 0
      let body = at + 1
      for (let unit = 1; ; unit *= 128, body += 1) {
        if (body >= end) return at
        const byte = bytes[body] as number
        length += unit * (byte & ~GOES_ON)
        if (byte < GOES_ON) break
      }
      body += 1
      const next = body + length
      if (next > end) return at
      if (bytes[at] === PUBLISH) countMessage(this.#me, bytes, body + this.#topic.length, next, this.#read)
      else this.#other(bytes[at] as number, bytes, next)
      at = next
    }
    return end
  }

  #other(type: number, bytes: Buffer, end: number): void {
    const code = bytes[end - 1] as number
    if (type === CONNACK && code !== 0) this.#me.failed(`connection refused: ${code}`)
    else if (type === SUBACK && code >= REFUSED) this.#me.failed('subscription refused')
    else if (type === SUBACK) this.#me.joined()
  }
}

/** With its length in front. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}

function packet(first: number, parts: readonly Buffer[]): Buffer {
  const head = [first]
  let left = parts.reduce((sum, { length }) => sum + length, 0)
  for (; left >= 128; left = Math.floor(left / 128)) head.push((left % 128) | GOES_ON)
  return Buffer.concat([Buffer.from([...head, left]), ...parts])
}
