import { CLOSE_CODES } from '@flotilla/protocol/close-codes.ts'
import { ERRORS } from '@flotilla/protocol/errors.ts'
import { CLIENT_FRAMES } from '@flotilla/protocol/frames.ts'
import { SERVER_FRAMES, SYSTEM_EVENTS } from '@flotilla/protocol/server-frames.ts'
import * as z from 'zod'
import type { Schema } from './route.ts'

/** What each frame of a client asks for. Those of servers are named so that nothing needs saying, or it stands here, too. */
const CLIENT_SAYS: Record<keyof typeof CLIENT_FRAMES, string> = {
  join: 'Answered with `joined`; then the entries after `since` (without it the last 50), then what is new.',
  leave: 'Answered with `left`.',
  send: 'Answered with `ack` once it is durable. The same `id` again gets the same `ack`, and makes nothing new.',
  edit: 'Another text for a message of one’s own; an entry of its own, answered with `ack`.',
  delete: 'Takes a message away; an entry of its own, answered with `ack`.',
  react: 'Puts an emoji to a message, or takes it back; an entry of its own, answered with `ack`.',
  history: 'Answered with `history`: entries before or after a seq, ascending.',
  typing: 'Not answered.',
  ping: 'Answered with `pong`.',
}
const SERVER_SAYS: Record<keyof typeof SERVER_FRAMES, string> = {
  welcome: 'The first frame of every connection.',
  joined: 'No entry of the room comes before it.',
  left: 'With `reason`: unasked, and nothing more of the room comes.',
  ack: 'The entry is durable, and has this seq for ever.',
  history: '`done`: there is nothing further in that direction.',
  head: 'The last seq of a joined room; at least every heartbeat.',
  presence: 'Who came and went since the last one, together.',
  typing: 'Somebody is writing.',
  move: 'Connect elsewhere within that time, then leave.',
  reset: 'The room’s log is another one: drop what is shown of it.',
  pong: 'The answer to `ping`.',
  error: Object.entries(ERRORS)
    .map(([code, { says, again }]) => `\`${code}\`: ${says}${again ? ' Never final.' : ''}`)
    .join(' '),
  message: 'An entry: seq is the one before it + 1.',
  edit: 'An entry.',
  delete: 'An entry.',
  react: 'An entry.',
  system: `An entry: something was done to the room, by \`user\`. Events: ${SYSTEM_EVENTS.map((event) => `\`${event}\``).join(', ')}.`,
}

/** The AsyncAPI 3.0 document of the WebSocket of chat servers, made from the schemas that validate what clients say. */
export function asyncApi(version: string): object {
  const messages = {
    ...messagesOf('client', CLIENT_FRAMES, CLIENT_SAYS),
    ...messagesOf('server', SERVER_FRAMES, SERVER_SAYS),
  }
  const ofSide = (side: string) =>
    Object.keys(messages)
      .filter((name) => name.startsWith(side))
      .map((name) => ({ $ref: `#/channels/chat/messages/${name}` }))
  const closes = Object.entries(CLOSE_CODES).map(
    ([code, { name, says, back }]) => `- ${code} \`${name}\`: ${says} Come back: ${back}.`,
  )
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Flotilla chat server',
      version,
      description: [
        'Each WebSocket text frame holds one or more JSON objects, one a line. Unknown fields are ignored.',
        'Where to connect is answered by `GET /get` of the balancer. Connections are closed with:',
        ...closes,
      ].join('\n'),
    },
    defaultContentType: 'application/json',
    servers: {
      local: { host: '127.0.0.1:8080', protocol: 'ws', description: 'The first server of `npm start`.' },
    },
    channels: {
      chat: {
        address: '/ws',
        description:
          'Entered as a guest by `username`, or with a token: as `token`, or as the subprotocols `chat.v1` and `bearer.<token>`.',
        messages: Object.fromEntries(
          Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
        bindings: {
          ws: {
            method: 'GET',
            query: {
              type: 'object',
              properties: { username: { type: 'string' }, token: { type: 'string' } },
            },
            bindingVersion: '0.1.0',
          },
        },
      },
    },
    operations: {
      hear: {
        action: 'receive',
        channel: { $ref: '#/channels/chat' },
        summary: 'What clients say.',
        messages: ofSide('client'),
      },
      say: {
        action: 'send',
        channel: { $ref: '#/channels/chat' },
        summary: 'What the server says.',
        messages: ofSide('server'),
      },
    },
    components: { messages },
  }
}

function messagesOf(
  side: string,
  frames: Readonly<Record<string, Schema>>,
  says: Readonly<Record<string, string>>,
): Record<string, object> {
  return Object.fromEntries(
    Object.entries(frames).map(([type, schema]) => {
      const description = says[type]
      return [`${side}.${type}`, { name: type, title: type, description, payload: payloadOf(schema) }]
    }),
  )
}

function payloadOf(schema: Schema): object {
  const { $schema: _, ...payload } = z.toJSONSchema(schema, {
    target: 'draft-07', // what AsyncAPI takes without being told
    io: 'input',
    override: ({ jsonSchema }) => {
      // Its classes of Unicode are none that every reader of a schema knows.
      if (jsonSchema.pattern?.includes('RGI_Emoji') !== true) return
      delete jsonSchema.pattern
      jsonSchema.description = 'One emoji.'
    },
  })
  return payload
}
