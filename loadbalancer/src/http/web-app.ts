import { existsSync } from 'node:fs'
import { extname, join } from 'node:path'
import { contentSecurityPolicy } from '@flotilla/protocol/content-security-policy.ts'
import express, { type Express } from 'express'

const YEAR_MS = 365 * 24 * 3_600_000

/**
 * The built web app, if there is one in `dir` (also when it is built later): its files, and its page for each path it routes by
 * itself. `isHttps`: browsers reach us by TLS.
 */
export function mountWebApp(app: Express, dir: string, isHttps: boolean): void {
  const page = join(dir, 'index.html')
  const policy = contentSecurityPolicy({ isHttps })
  app.use((_request, response, next) => {
    response.setHeader('content-security-policy', policy)
    next()
  })
  app.use(
    express.static(dir, {
      index: 'index.html',
      redirect: false,
      setHeaders: (response, path) => {
        // Vite names what is in assets/ by its content; all else must be asked for again.
        const isHashed = path.startsWith(join(dir, 'assets'))
        response.setHeader(
          'cache-control',
          isHashed ? `public, max-age=${YEAR_MS / 1_000}, immutable` : 'no-cache',
        )
      },
    }),
  )
  app.get('/{*path}', (request, response, next) => {
    const isPage = extname(request.path) === '' && request.accepts(['json', 'html']) === 'html'
    if (!isPage || /^\/(api|internal)(\/|$)/.test(request.path) || !existsSync(page)) return next()
    response.setHeader('cache-control', 'no-cache')
    response.sendFile('index.html', { root: dir })
  })
}
