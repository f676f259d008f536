// Loaded before everything else (`node --import`), with the name of a plant in FLOTILLA_PLANT: changes that one source file as it
// is loaded. Nothing outside the tests knows of it.
import { registerHooks } from 'node:module'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { FILE_PLANTS, PLANTS } from './plants.ts'

const name = process.env['FLOTILLA_PLANT']
const plant = [...PLANTS, ...FILE_PLANTS].find((one) => one.name === name)
if (plant === undefined) throw new Error(`there is no plant called ${name}`)
const root = join(import.meta.dirname, '../..')
const edits = new Map(plant.edits.map((edit) => [pathToFileURL(join(root, edit.file)).href, edit]))

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const edit = edits.get(url)
    if (edit === undefined) return loaded
    const source = Buffer.from(loaded.source as Uint8Array).toString()
    if (source.split(edit.find).length !== 2) {
      throw new Error(`"${plant.name}": its text does not stand once in ${edit.file}`)
    }
    return { ...loaded, source: source.replace(edit.find, () => edit.put) }
  },
})
