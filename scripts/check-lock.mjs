// Checks package-lock.json: node scripts/check-lock.mjs
//
// Where a platform package of a new version cannot be had, npm writes the lockfile without it and says nothing;
// `npm ci` then refuses on every clone. And a lockfile with addresses ties everybody to one registry.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
const faults = []

for (const [path, entry] of Object.entries(packages)) {
  if (/^https?:/.test(entry.resolved ?? '')) faults.push(`${path} has an address: ${entry.resolved}`)
  if (path.startsWith('node_modules/') && !entry.link && !entry.integrity && !entry.inBundle) {
    faults.push(`${path} has no integrity hash`)
  }
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (!isLocked(path, name))
      faults.push(`${path || 'the root'} wants ${name}, which is not in the lockfile`)
  }
}

/** Whether `name`, asked for by the package at `path`, is found there or at any level above. */
function isLocked(path, name) {
  for (let level = path; ; level = level.slice(0, Math.max(0, level.lastIndexOf('/')))) {
    if (packages[`${level}${level && '/'}node_modules/${name}`]) return true
    if (!level) return false
  }
}

if (faults.length > 0) {
  for (const fault of faults) console.error(fault)
  console.error(
    'Make the lockfile anew with npm 11 or newer (rm -rf node_modules package-lock.json && npm install); ' +
      'if that does not help, pin an older version of the package that lacks parts.',
  )
  process.exit(1)
}
console.log(`package-lock.json is whole: ${Object.keys(packages).length} entries`)
