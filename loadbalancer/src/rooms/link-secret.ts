import { createHash, randomBytes } from 'node:crypto'

/** Nobody finds a link by trying. */
const LINK_BYTES = 24

export function newLinkSecret(): string {
  return randomBytes(LINK_BYTES).toString('base64url')
}

/** What a link is known by to everybody but who has it. */
export function hashOfLink(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
