import { Score, type Attack } from './attack.ts'
import { ask, handshake } from './knock.ts'

/** A page of another origin opens a WebSocket, or reads an answer, with what a visitor's browser sends along. */
export const originAttack: Attack = {
  name: 'origins',
  says: 'cross-site WebSockets and calls: foreign, sibling, null and look-alike origins',
  async run({ balancer, serverHttp, origin }) {
    const score = new Score()
    const { protocol, hostname, port } = new URL(origin)
    const lookalikes = [
      ...[
        'null',
        'https://evil.example',
        'http://evil.example',
        'file://',
        'about:blank',
        'data:',
        'chrome-extension://abc',
      ],
      ...[
        `${origin}.evil.example`,
        `${origin}@evil.example`,
        `http://evil.example/${origin}`,
        `${origin}/`,
        `${origin}:80`,
      ],
      ...[
        `${protocol}//${hostname}`,
        `${protocol}//${hostname}:${Number(port) + 1}`,
        `${protocol}//${hostname}:0${port}`,
      ],
      ...[
        `https://${hostname}:${port}`,
        `${protocol}//sub.${hostname}:${port}`,
        `${protocol}//x${hostname}:${port}`,
      ],
      ...[
        `${protocol}//${hostname}.:${port}`,
        `${protocol}//[::ffff:${hostname}]:${port}`,
        `${protocol}//localhost.evil.example:${port}`,
      ],
      ...[
        `${origin},${origin}`,
        `${origin} https://evil.example`,
        ` ${origin}x`,
        origin.toUpperCase(),
        `${origin}%00`,
        '*',
        'undefined',
      ],
      ...[
        'http://127.1:5173',
        'http://0x7f000001:5173',
        'http://2130706433:5173',
        'http://0.0.0.0:5173',
        'http://[::1]:5173',
      ],
    ]
    for (const from of lookalikes) {
      for (const path of ['/ws?username=visitor', '/ws']) {
        const shaken = await handshake(serverHttp, path, { origin: from })
        score.judge([401, 403].includes(shaken.status), `handshake ${path} from ${from}`, shaken)
      }
      for (const [method, path] of [
        ['POST', '/api/login'],
        ['POST', '/api/token'],
        ['POST', '/api/logout'],
        ['POST', '/api/signup'],
      ] as const) {
        const reply = await ask(balancer, {
          method,
          path,
          headers: { origin: from, 'content-type': 'application/json', cookie: 'flotilla_refresh=a.b' },
          body: JSON.stringify({ username: 'visitor', password: 'a long password' }),
        })
        score.judge(reply.status >= 400, `${method} ${path} from ${from}`, reply)
      }
    }
    const good = await handshake(serverHttp, '/ws?username=visitor', { origin })
    score.judge(good.status === 101, `the app's own origin ${origin} is let in`, good)
    for (const offered of [
      'permessage-deflate',
      'permessage-deflate; client_max_window_bits',
      'x-webkit-deflate-frame',
    ]) {
      const shaken = await handshake(serverHttp, '/ws?username=visitor', {
        'sec-websocket-extensions': offered,
      })
      score.judge(shaken.status === 101 && shaken.extensions === undefined, `compression ${offered}`, shaken)
    }
    return score
  },
}
