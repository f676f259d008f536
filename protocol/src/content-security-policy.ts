/**
 * What the pages of the web app may load and do, whoever serves them: scripts, styles and pictures of their own origin, nothing inline,
 * nothing by `eval`. So what somebody typed cannot run, even if it ever came into a page as markup. Sockets may go anywhere,
 * as chat servers come and go while a page is open; over TLS only to such as are, too.
 */
export function contentSecurityPolicy({ isHttps }: { isHttps: boolean }): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ${isHttps ? '' : 'ws: '}wss:`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // Markup is made by React alone, which gives the browser no strings to parse.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
    ...(isHttps ? ['upgrade-insecure-requests'] : []),
  ].join('; ')
}

/** The other headers that every page of the app, and every answer beside it, comes with. */
export const SAFE_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(self), microphone=(self), geolocation=(), payment=(), usb=()',
} as const
