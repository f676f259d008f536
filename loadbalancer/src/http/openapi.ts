import * as accounts from '@flotilla/protocol/accounts.ts'
import * as control from '@flotilla/protocol/control.ts'
import * as roomsApi from '@flotilla/protocol/rooms-api.ts'
import * as z from 'zod'
import type { Route, Schema } from './route.ts'

/** Schemas that stand by name in the document: all exports of these files that are schemas, without their ending. */
const NAMED = Object.entries({ ...control, ...accounts, ...roomsApi } as Record<string, unknown>)
  .filter((entry): entry is [string, Schema] => entry[0].endsWith('Schema'))
  .map(([name, schema]) => [name.slice(0, -'Schema'.length), schema] as const)
const DOORS = { anyone: [], fleet: [{ fleetSecret: [] }], token: [{ accessToken: [] }] } as const

/** The OpenAPI 3.1 document of these routes, made from what mounts and validates them. */
export function openApi(routes: readonly Route[], version: string): object {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of NAMED) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}`, io: 'input' })
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    ;(paths[path] ??= {})[route.method] = operation(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Flotilla balancer',
      version,
      description: 'Registry of chat servers, choice of a server, rooms and their homes, tokens.',
    },
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, bare(schema)])),
      securitySchemes: {
        fleetSecret: { type: 'http', scheme: 'bearer', description: 'The secret of the fleet.' },
        accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      },
    },
  }
}

function operation(route: Route): object {
  const { status, schema, type = 'application/json' } = route.answers
  const problems = new Set(route.problems)
  if (route.door !== 'anyone') problems.add('unauthenticated')
  if (route.cors && route.method !== 'get') problems.add('foreign_origin')
  if (route.body) problems.add('bad_request').add('too_large').add('unsupported_media_type')
  const byStatus = Map.groupBy(problems, (code) => control.PROBLEMS[code].status)
  const parameters = [
    ...[...route.path.matchAll(/:(\w+)/g)].map(([, name]) => parameter('path', name ?? '', '')),
    ...Object.entries(route.query ?? {}).map(([name, says]) => parameter('query', name, says)),
  ]
  return {
    summary: route.summary,
    security: DOORS[route.door],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body ? { requestBody: { required: true, content: json(route.body) } } : {}),
    responses: {
      [status]: { description: 'Done.', content: schema ? json(schema) : { [type]: {} } },
      ...Object.fromEntries([...byStatus].map(([problemStatus, codes]) => [problemStatus, problem(codes)])),
    },
  }
}

function parameter(where: 'path' | 'query', name: string, says: string): object {
  const schema = { type: 'string' }
  return { in: where, name, required: where === 'path', schema, ...(says ? { description: says } : {}) }
}

function problem(codes: readonly control.ProblemCode[]): object {
  const says = codes.map((code) => `\`${code}\`: ${control.PROBLEMS[code].title}.`)
  const schema = { $ref: '#/components/schemas/Problem' }
  return { description: says.join(' '), content: { 'application/problem+json': { schema } } }
}

function json(schema: Schema): object {
  const name = NAMED.find(([, named]) => named === schema)?.[0]
  const body = name === undefined ? bare(z.toJSONSchema(schema)) : { $ref: `#/components/schemas/${name}` }
  return { 'application/json': { schema: body } }
}

/** Without what names a schema that stands alone. */
function bare({ $id: _id, $schema: _schema, ...rest }: Record<string, unknown>): object {
  return rest
}
