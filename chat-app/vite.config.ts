import { fileURLToPath } from 'node:url'
import { contentSecurityPolicy, SAFE_HEADERS } from '@flotilla/protocol/content-security-policy.ts'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type ProxyOptions } from 'vite'

const PORT = 5173
/** What the balancer answers; the page reaches it on its own origin, and the chat servers directly. */
const BALANCER_PATHS = ['/api', '/get', '/servers', '/events', '/.well-known']
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
      // `vite dev` needs inline scripts of its own and goes without.
      headers: { ...SAFE_HEADERS, 'Content-Security-Policy': contentSecurityPolicy({ isHttps: false }) },
    },
    build: {
      target: 'es2023',
      assetsInlineLimit: 0,
      rolldownOptions: {
        // What seldom changes is not fetched again with each version of the app.
        output: {
          codeSplitting: {
            groups: [{ name: 'react', test: /node_modules\/(?:react|react-dom|scheduler)\// }],
          },
        },
      },
    },
  }
})
