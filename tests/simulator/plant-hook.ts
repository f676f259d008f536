// Loaded before everything else (`node --import`), with the name of a plant in FLOTILLA_PLANT: changes that one source file as it
// is loaded. Nothing outside the tests knows of it.
import { registerHooks } from 'node:module'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { FILE_PLANTS } from './file-plants.ts'
import { PLANTS } from './plants.ts'

const name = process.env['FLOTILLA_PLANT']
const plant = [...PLANTS, ...FILE_PLANTS].find((one) => one.name === name)
if (plant === undefined) throw new Error(`there is no plant called ${name}`)
const root = join(import.meta.dirname, '../..')
const editsOf = Map.groupBy(plant.edits, ({ file }) => pathToFileURL(join(root, file)).href)

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const edits = editsOf.get(url)
    if (edits === undefined) return loaded
    let source = Buffer.from(loaded.source as Uint8Array).toString()
    for (const { file, find, put } of edits) {
      if (source.split(find).length !== 2) {
        throw new Error(`"${plant.name}": its text does not stand once in ${file}`)
      }
      source = source.replace(find, () => put)
    }
    return { ...loaded, source }
  },
})
