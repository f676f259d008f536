/**
 * Every code a chat server closes a WebSocket with. `back`: whether a client connects again by itself;
 * `soon`: with its ordinary first delay, `later`: with a longer one, `never`: only after the person acts.
 */
export const CLOSE_CODES = {
  1001: { name: 'going_away', back: 'soon', says: 'The server stops.' },
  1002: { name: 'protocol_error', back: 'later', says: 'Not a WebSocket frame.' },
  1003: { name: 'binary', back: 'never', says: 'Binary frames are not taken.' },
  1007: { name: 'invalid_utf8', back: 'later', says: 'A text frame is not UTF-8.' },
  1008: { name: 'policy', back: 'later', says: 'Too many fragments, or another rule broken.' },
  1009: { name: 'too_big', back: 'later', says: 'A frame is larger than the limit.' },
  1012: { name: 'restart', back: 'soon', says: 'The server restarts.' },
  1013: { name: 'try_later', back: 'later', says: 'The server can take nobody just now.' },
  4401: {
    name: 'unauthenticated',
    back: 'soon',
    says: 'The token is good no more: come back with a fresh one.',
  },
  4403: { name: 'removed', back: 'never', says: 'You were removed.' },
  4408: { name: 'no_progress', back: 'soon', says: 'The client did not read what it was sent.' },
  4429: { name: 'flood', back: 'later', says: 'Too many bad frames.' },
} as const satisfies Record<number, { name: string; back: 'soon' | 'later' | 'never'; says: string }>

export type CloseCode = keyof typeof CLOSE_CODES

/** How a client that lost its socket with `code` goes on; an unknown code (1005, 1006 …) is a broken line. */
export function comesBack(code: number): 'soon' | 'later' | 'never' {
  return code in CLOSE_CODES ? CLOSE_CODES[code as CloseCode].back : 'soon'
}
