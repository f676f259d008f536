import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type ProxyOptions } from 'vite'

const PORT = 5173
/** What the balancer answers; the page reaches it on its own origin, and the chat servers directly. */
const BALANCER_PATHS = ['/api', '/get', '/servers', '/events', '/.well-known']
/** The policy the app is built to run under; `vite dev` needs inline scripts of its own and goes without. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export default defineConfig(() => {
  const target = process.env['LOADBALANCER_URL'] ?? 'http://127.0.0.1:9000'
  const proxy: Record<string, ProxyOptions> = Object.fromEntries(
    // As a pattern: the string `/get` would also take `/getting-started`.
    BALANCER_PATHS.map((path) => [`^${path.replace('.', '\\.')}(?=[/?]|$)`, { target, changeOrigin: true }]),
  )
  return {
    plugins: [react(), tailwindcss()],
    resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
    server: { port: PORT, strictPort: true, proxy },
    preview: {
      port: PORT,
      strictPort: true,
      proxy,
      headers: {
        'Content-Security-Policy': CONTENT_SECURITY_POLICY,
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
      },
    },
    build: { target: 'es2023', assetsInlineLimit: 0 },
  }
})
